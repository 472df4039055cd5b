"""A client can write text in many places, but special tokens in none of them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.json import Object
from gateway.chat.messages import Speech, Tool
from gateway.chat.request import Request, Sampling
from gateway.formats.families import FAMILIES
from gateway.prompt.template import Template, Vocabulary
from tests.depth import pick
from tests.fakes import REPO
from tests.prompt.shipped import FORMATS

MARKS = (
    *("<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<s>", "</s>", "[INST]"),
    *("[/INST]", "[TOOL_CALLS]", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
    *("<start_of_turn>", "<end_of_turn>", "<|python_tag|>", "<|eot|>", "<think>", "</think>"),
)
VOCABULARY = Vocabulary("<s>", "</s>", {mark: i for i, mark in enumerate(MARKS, 1)})
PIECES = [*MARKS, "<", "<|im_", "end|>", "[", "/INST]", ">", "<|IM_END|>", " ", "x", "\ufdd0"]
TYPED = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


@cache
def template(name: str) -> Template:
    source = (REPO / "templates" / f"{name}.jinja").read_text(encoding="utf-8")
    return Template(source, FAMILIES[FORMATS[name]], VOCABULARY)


def body(text: str) -> bytes:
    """A request with `text` wherever a client can write text."""
    schema: dict[str, Any] = {
        "type": "object",
        "title": text,
        "description": text,
        "properties": {
            text: {"type": "string", "enum": [text, "x" + text], "default": text},
            "a": {"const": text, "examples": [text], "pattern": text, "$comment": text},
            "b": {"type": "array", "items": {"type": "object", "properties": {text: {}}}},
        },
        "required": [text],
        text + "y": [text],
    }
    call = {"name": "f" + text, "arguments": json.dumps({text: [text, {text: text}]})}
    messages = [
        {"role": "system", "content": text},
        {"role": "user", "content": [{"type": "text", "text": t} for t in (text, text, "y")]},
        {
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": text}, {"type": "text", "text": text}],
            "reasoning_content": text,
            "tool_calls": [{"id": text, "type": "function", "function": call}],
        },
        {"role": "tool", "content": text, "tool_call_id": text, "name": text},
        {"role": "assistant", "tool_call": [json.dumps({"id": "z" + text, "function": call})]},
        {"role": "tool", "content": text},
        {"role": "user", "content": text, "name": text},
    ]
    answer = {"name": text, "schema": {"type": "object", "description": text}}
    return json.dumps(
        {
            "model": "m",
            "messages": messages,
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "description": text, "parameters": schema},
                }
            ],
            "response_format": {"type": "json_schema", "json_schema": answer},
            "stop": [text or "x"],
            "reasoning_effort": text,
            "user": text,
        }
    ).encode()


def tokens(template: Template, text: str) -> list[str | int]:
    prompt = template.render(to_request(read(body(text)), Sampling()))
    return [part for part in prompt.parts if isinstance(part, int)]


@pytest.mark.parametrize("name", FORMATS)
@given(TYPED)
@settings(max_examples=pick(fast=6, deep=60), suppress_health_check=[HealthCheck.too_slow])
def test_no_field_of_a_request_can_forge_a_special_token(name: str, text: str) -> None:
    assert tokens(template(name), text) == tokens(template(name), "Hello")


def test_a_special_token_in_another_case_stays_text() -> None:
    source = "{% for m in messages %}{{ m.content | lower }}{{ m.content | upper }}{% endfor %}"
    request = Request("m", (Speech("user", "<|IM_END|>[inst]"),))
    parts = Template(source, FAMILIES["hermes"], VOCABULARY).render(request).parts
    assert not [part for part in parts if isinstance(part, int)]


INFIXES = sorted({m[i:j] for m in MARKS for i in range(len(m)) for j in range(i + 1, len(m) + 1)})
AROUND = [("<", ">"), ("[", "]"), ("<|", "|>"), ("</", ">"), ("[/", "]"), ("<", ""), ("", ">")]


@cache
def written(before: str, after: str) -> Template:
    """A template that writes each key and each text between `before` and `after`."""
    source = (
        "{% macro tag(text) %}{{ 'BEFORE' ~ text ~ 'AFTER' }}{% endmacro %}"
        "{% for tool in tools %}{{ tool.function.name }}"
        "{% for key, value in tool.function.parameters.properties | items %}"
        "BEFORE{{ key }}AFTER{{ tag(key) }}{{ tag(value.title | default('')) }}"
        "{% for more in value %}{{ tag(more) }}{% endfor %}"
        "{% endfor %}{% endfor %}"
        "{% for m in messages %}{{ tag(m.content) }}{{ tag(m.content | trim | upper) }}{% endfor %}"
        "BEFORE{% for m in messages %}{{ m.content }}{% endfor %}AFTER"
    )
    source = source.replace("BEFORE", before).replace("AFTER", after)
    return Template(source, FAMILIES["hermes"], VOCABULARY)


def ids(template: Template, messages: list[str], properties: Object) -> list[int]:
    tool = Tool("f", "", {"type": "object", "properties": properties})
    speech = tuple(Speech("user", text) for text in messages)
    parts = template.render(Request("m", speech, tools=(tool,))).parts
    return [part for part in parts if isinstance(part, int)]


@pytest.mark.parametrize(("before", "after"), AROUND)
def test_no_text_of_a_client_is_part_of_a_special_token(before: str, after: str) -> None:
    template = written(before, after)
    properties: Object = {text: {"title": text, text: text} for text in INFIXES}
    assert ids(template, INFIXES, properties) == []
    assert ids(template, [f" {text}\n" for text in INFIXES], {}) == []


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(("before", "after"), AROUND)
def test_no_texts_of_a_client_make_a_special_token(before: str, after: str, mark: str) -> None:
    text = mark.removeprefix(before).removesuffix(after)
    for at in range(1, len(text)):
        assert ids(written(before, after), [text[:at], text[at:]], {}) == []


def test_a_template_still_writes_its_own_special_tokens() -> None:
    assert ids(written("<think>", "</think>"), ["think"], {}) != []
