"""A record is parsed as the gateway would parse it, or answered with an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from canitoolcall.fixtures import load_fixtures

from gateway.cli.inspect.records import replayed
from tests.parsing.records import format_and_prompt, parsed
from tests.prompt.chatml import ANY, CALLS, CHATML

CALL = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'


def replay(**record: Any) -> dict[str, Any]:
    return replayed(json.dumps({"format": "hermes", "text": CALL, **record}).encode())


def called(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(call["name"], call["arguments"]) for call in answer["tool_calls"]]


def test_the_result_has_content_reasoning_calls_and_notes() -> None:
    answer = replay(format="qwen3", text=f"<think>\nHm.\n</think>\n\nSure.\n{CALL}")
    [call] = answer["tool_calls"]
    assert call.pop("id").startswith("call_")
    assert answer == {
        "content": "Sure.",
        "reasoning_content": "Hm.",
        "tool_calls": [{"name": "f", "arguments": '{"x": 1}'}],
        "notes": [],
    }


def test_a_record_without_markers_has_no_calls() -> None:
    answer = replay(text="Hello.")
    assert answer == {
        "content": "Hello.",
        "reasoning_content": None,
        "tool_calls": [],
        "notes": [],
    }


@pytest.mark.parametrize("prompt_tail", ["<think>\n", "<|im_start|>assistant\n<think>", None, ""])
def test_prompt_tail_opens_the_reasoning_block(prompt_tail: str | None) -> None:
    answer = replay(format="qwen3", prompt_tail=prompt_tail, text="Hm.\n</think>\n\nHello.")
    assert answer["reasoning_content"] == ("Hm." if prompt_tail else None)
    assert answer["content"].endswith("Hello.")


def test_an_incomplete_record_has_no_truncated_call() -> None:
    cut = CALL.removesuffix("\n</tool_call>")
    answer = replay(text=cut, complete=False)
    assert answer["tool_calls"] == []
    assert answer["notes"] == [f"cut off: {cut!r}"]
    assert called(replay(text=cut)) == [("f", '{"x": 1}')]


def test_only_tools_of_the_record_can_be_called() -> None:
    other = {"type": "function", "function": {"name": "g"}}
    assert called(replay(tools=None)) == [("f", '{"x": 1}')]
    assert replay(tools=[other])["content"] == CALL
    assert replay(tools=[])["content"] == CALL


@pytest.mark.parametrize("record", load_fixtures(), ids=lambda record: record.id)
def test_recorded_answers_are_parsed_as_by_the_decoder(record: Any) -> None:
    format, prompt = format_and_prompt(record)
    answers = [
        replay(
            format=format.name,
            tools=[{"type": "function", "function": tool["function"]} for tool in record.tools],
            prompt_tail=prompt,
            text=record.raw_output,
            complete=not record.truncated,
            chunk=chunk,
        )
        for chunk in (0, 1, 7)
    ]
    meant = parsed(record, 1)
    for answer in answers:
        assert (answer["content"] or None) == meant.content
        assert answer["reasoning_content"] == meant.reasoning_content
        assert called(answer) == [(call.name, call.arguments_raw) for call in meant.tool_calls]


@pytest.mark.parametrize(
    ("line", "param", "why"),
    [
        (b"nope", None, "the record is not JSON: "),
        (b"\xff", None, "the record is not JSON: "),
        (b'{"text": "\\ud80"}', None, "the record is not JSON: "),
        (b"[1]", None, "the record: found [1]; it should be an object"),
        (b'{"format": "hermes"}', "text", "text: required, but missing"),
        (b'{"format": "hermes", "text": 3}', "text", "text: found 3; "),
        (b'{"format": "hermes", "text": "", "chunk": -1}', "chunk", "chunk: found -1; "),
        (b'{"format": "hermes", "text": "", "chunk": true}', "chunk", "chunk: found True; "),
        (b'{"format": "hermes", "text": "", "complete": "no"}', "complete", "complete: found 'no'"),
        (b'{"format": "hermes", "text": "", "tools": {}}', "tools", "tools: found {}; "),
        (
            b'{"format": "hermez", "text": ""}',
            "format",
            "no format 'hermez'; `tool-gateway formats` lists them",
        ),
        (b'{"text": ""}', "format", "a record needs either `format` or `template`"),
        (b'{"text": "", "format": "hermes", "template": "a"}', "format", "a record needs either "),
    ],
)
def test_an_invalid_record_is_reported_with_its_param(
    line: bytes, param: str | None, why: str
) -> None:
    error = replayed(line)["error"]
    assert error["message"].startswith(why)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_invalid_tools_are_reported_as_in_a_request() -> None:
    error = replay(tools=[{"type": "function", "function": {"name": "f g"}}])["error"]
    assert error["param"] == "tools.0.function.name"


def test_unknown_keys_of_a_record_are_ignored() -> None:
    assert called(replay(id="7", expected={"content": "x"})) == [("f", '{"x": 1}')]


def test_the_format_is_detected_from_the_template(tmp_path: Path) -> None:
    template = tmp_path / "theirs.jinja"
    template.write_text(CHATML.replace("SAYS", "{{ message.content }}" + CALLS))
    assert called(replay(format=None, template=str(template))) == [("f", '{"x": 1}')]


@pytest.mark.parametrize(
    ("source", "why"),
    [(None, "No such file"), ("{% if %}", "not Jinja"), (ANY, "whichever format")],
)
def test_a_template_without_a_known_format_is_an_error(
    source: str | None, why: str, tmp_path: Path
) -> None:
    template = tmp_path / "theirs.jinja"
    if source is not None:
        template.write_text(source)
    error = replay(format=None, template=str(template))["error"]
    assert error["param"] == "template"
    assert why in error["message"]
