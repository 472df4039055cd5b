"""The templates that are shipped write what the models were trained on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.prompt import Template, Vocabulary
from gateway.request import Reply, Request, Result, Speech
from gateway.turns import Call, Tool
from gateway.wire.families import FAMILIES
from tests.conversations import CALL, CONVERSATIONS, HELLO, SYSTEM, TWO, WEATHER, asks
from tests.fakes import REPO

EXPECTED = Path(__file__).parent / "expected_prompts"
OFFICIAL = REPO.parent / "shared" / "reference" / "chat-templates"

FORMATS = {
    "groq-llama3": "groq",
    "hermes": "hermes",
    "llama3": "llama3",
    "mistral": "mistral_spm",
    "qwen": "hermes",
    "smollm2": "hermes",
}

# What a vendor's own template is called, and the conversations that it can't write as they are.
VENDORS = {
    "hermes": (
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        ("hello", "system", "follow_up"),
    ),
    "llama3": ("meta-llama-Llama-3.1-8B-Instruct", ("two_results",)),
    "mistral": ("mistral/v3_spm", ()),
    "qwen": ("Qwen-Qwen2.5-7B-Instruct", ()),
}


def template(path: Path, name: str) -> Template:
    source = path.read_text(encoding="utf-8")
    return Template(source, FAMILIES[FORMATS[name]], Vocabulary("<s>", "</s>", {}))


def shipped(name: str) -> Template:
    return template(REPO / "templates" / f"{name}.jinja", name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_template_writes_what_it_wrote(name: str) -> None:
    """`UPDATE=1 pytest` writes the expectations anew."""
    ours = shipped(name)
    text = "".join(
        f"=== {title}\n{ours.render(request).text}\n" for title, request in CONVERSATIONS.items()
    )
    path = EXPECTED / f"{name}.txt"
    if os.environ.get("UPDATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_template_is_looked_at() -> None:
    assert sorted(FORMATS) == sorted(path.stem for path in (REPO / "templates").iterdir())


@pytest.mark.parametrize("name", VENDORS)
def test_a_template_writes_what_its_vendors_does(name: str) -> None:
    """Where the vendors' templates are at hand; they are not part of this repository."""
    file, refused = VENDORS[name]
    path = OFFICIAL / f"{file}.jinja"
    theirs = template(path, name) if path.is_file() else shipped(name)
    ours = shipped(name)
    for title, request in CONVERSATIONS.items():
        if title not in refused:
            assert ours.render(request).text == theirs.render(request).text, title


ODD: list[Request] = [
    asks(Reply("Hi.")),
    asks(Reply(calls=(CALL,))),
    asks(Result("5")),
    asks(HELLO, HELLO),
    asks(HELLO, SYSTEM, HELLO),
    asks(HELLO, Reply("a"), Reply("b")),
    asks(HELLO, Reply(), HELLO),
    asks(HELLO, Result("5"), Result("6")),
    replace(TWO, messages=(*TWO.messages[:2], HELLO)),
]


@pytest.mark.parametrize("name", FORMATS)
def test_odd_conversations_can_be_written(name: str) -> None:
    for request in ODD:
        assert shipped(name).render(request).text


@pytest.mark.parametrize("name", FORMATS)
def test_system_text_alone_can_be_written(name: str) -> None:
    assert "Be brief." in shipped(name).render(asks(SYSTEM)).text


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("mistral", asks(SYSTEM)),
        ("mistral", asks(Reply("Hi."), tools=(WEATHER,))),
        ("llama3", asks(SYSTEM, tools=(WEATHER,))),
    ],
)
def test_what_stands_before_a_user_message_is_shown_where_there_is_none(
    name: str, request_: Request
) -> None:
    text = shipped(name).render(request_).text
    assert all(message.text in text for message in request_.messages)
    assert all(tool.name in text for tool in request_.tools)


@pytest.mark.parametrize("name", FORMATS)
def test_tools_and_system_text_are_both_shown(name: str) -> None:
    text = shipped(name).render(asks(SYSTEM, HELLO, tools=(WEATHER,))).text
    for words in ("Be brief.", "get_weather", "The weather in a city.", "Hello"):
        assert text.count(words) >= 1


@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "string"}, "str"),
        ({"type": "array", "items": {"type": "integer"}}, "list[int]"),
        ({"type": "array"}, "list"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "object", "additionalProperties": False}, "dict"),
        ({"type": ["string", "null"]}, "Union[str,None]"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, "list[list[Any]]"),
        ({"anyOf": [{"type": "string"}]}, "Any"),
        ({}, "Any"),
        (True, "Any"),
    ],
)
def test_hermes_is_told_types_as_python_has_them(schema: bool, type: str) -> None:
    tool = Tool("f", "Does it.", {"type": "object", "properties": {"a": schema}})
    text = shipped("hermes").render(asks(HELLO, tools=(tool,))).text
    assert f'"description": "f(a: {type}) - Does it.\n\n    Args:\n        a({type}): ",' in text


def test_groq_gives_a_result_the_number_of_its_call() -> None:
    calls = (Call("a", {}, "x"), Call("b", {}, "y"), Call("c", {}, "z"))
    results = (Result("late", "z"), Result('{"n": 1}', "y"), Result("who?", "w"))
    text = shipped("groq-llama3").render(asks(HELLO, Reply(calls=calls), *results)).text
    told = [line for line in text.splitlines() if line.startswith('{"id": ') and "result" in line]
    assert told == [
        '{"id": 1, "result": {"n": 1}}',
        '{"id": 2, "result": "late"}',
        '{"id": 0, "result": "who?"}',
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [("12", "12"), ("-3", "-3"), ("1.5", "1.5"), ("012", '"012"'), ("12 C", '"12 C"'), ("", '""')],
)
def test_mistral_is_told_a_number_as_a_number(said: str, told: str) -> None:
    text = shipped("mistral").render(asks(HELLO, Reply(calls=(CALL,)), Result(said))).text
    assert f'[TOOL_RESULTS] {{"content": {told}, "call_id": "abcDEF123"}}[/TOOL_RESULTS]' in text


def test_llama_can_be_told_the_date() -> None:
    request = replace(asks(Speech("user", "Hi")), template_variables={"date_string": "1 Jan 2026"})
    assert "Today Date: 1 Jan 2026" in shipped("llama3").render(request).text
