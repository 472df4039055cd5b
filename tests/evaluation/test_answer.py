"""Answers of chat completions and of streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.evaluation.answer import Answer, Call, of_completion, of_events


def events(*deltas: dict[str, Any], finish: str = "stop") -> list[str]:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    chunks.append({"choices": [], "usage": {"total_tokens": 9}})
    lines = [f"data: {json.dumps(chunk)}" for chunk in chunks]
    return [": keep-alive", *lines, "data: [DONE]"]


def part(at: int, **function: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": at, "function": function}]}


def test_a_stream_equals_the_completion_with_the_same_pieces() -> None:
    calls = [
        {"function": {"name": "f", "arguments": '{"x": 1}'}},
        {"function": {"name": "g", "arguments": "{}"}},
    ]
    message = {"content": "Well.", "tool_calls": calls}
    whole = of_completion({"choices": [{"message": message, "finish_reason": "tool_calls"}]}, 2.0)
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"content": "We"},
        {"content": "ll."},
        part(0, name="f", arguments=""),
        part(0, arguments='{"x":'),
        part(1, name="g"),
        part(0, arguments=" 1}"),
        part(1, arguments="{}"),
    ]
    streamed = of_events(events(*deltas, finish="tool_calls"), 3.0)
    assert streamed.equals(whole)
    assert whole.calls == (Call("f", '{"x": 1}'), Call("g", "{}"))
    assert (whole.text, whole.finish, whole.seconds) == ("Well.", "tool_calls", 2.0)


def test_the_error_of_a_stream_is_that_of_its_answer() -> None:
    lines = ['data: {"error": {"message": "the worker died"}}']
    assert of_events(lines, 1.0).error == "the worker died"


def test_answers_that_end_for_different_reasons_differ() -> None:
    assert not Answer("Well.", finish="length").equals(Answer("Well."))


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', "[" * 100_000])
def test_arguments_that_are_not_a_json_object_have_no_values(arguments: str) -> None:
    assert Call("f", arguments).values is None
    assert Call("f", '{"x": 1}').values == {"x": 1}
