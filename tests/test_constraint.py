"""What a request asks decides what the model may write, and a refusal says whose schema it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from gateway.constraint import callable_tools, constraint, explain
from gateway.errors import BadRequest
from gateway.request import Choice, Request, Speech
from gateway.turns import Object, Tool
from gateway.wire.families import FAMILIES, HERMES
from tests.fakes import call

TOKENIZER = LLTokenizer("byte")
CITY: Object = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS = (Tool("get_weather", "", CITY), Tool("get_time", "", CITY))
NAMES = ("get_weather", "get_time")
PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})
ANSWER: Object = {
    "type": "object",
    "properties": {"note": {"type": "string"}},
    "required": ["note"],
}
MARK = '{"note": "<tool_call> is a mark"}'


def asks(choice: Choice = Choice(NAMES), **more: Any) -> Request:
    return Request("m", (Speech("user", "Hello"),), TOOLS, choice, **more)


def admits(request: Request, text: str, format: str = "hermes") -> bool:
    """Whether the model may write `text` and end there."""
    grammar = constraint(request, FAMILIES[format], "", {})
    if grammar is None:
        return True
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def test_nothing_is_held_without_tools_or_a_schema() -> None:
    assert constraint(replace(asks(), tools=()), HERMES, "", {}) is None


def test_only_chosen_tools_can_be_called() -> None:
    request = asks(Choice(("get_time",)))
    assert [tool.name for tool in callable_tools(request)] == ["get_time"]
    assert admits(request, ROME)
    assert not admits(request, PARIS)


@pytest.mark.parametrize(
    ("choice", "text", "admitted"),
    [
        (Choice(NAMES), "Hello.", True),
        (Choice(NAMES), PARIS, True),
        (Choice(NAMES), f"So.\n{PARIS}\n{ROME}", True),
        (Choice(NAMES, parallel=False), f"{PARIS}\n{ROME}", False),
        (Choice(NAMES, parallel=False), PARIS, True),
        (Choice(NAMES, required=True), "Hello.", False),
        (Choice(NAMES, required=True), f"{PARIS}\n{ROME}", True),
        (Choice(("get_time",), required=True, parallel=False), ROME, True),
        (Choice(("get_time",), required=True, parallel=False), PARIS, False),
        (Choice(), "Hello.", True),
    ],
)
def test_a_choice_is_held_to(choice: Choice, text: str, admitted: bool) -> None:
    assert admits(asks(choice), text) is admitted


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        (MARK, True),
        (PARIS, True),
        (f"{PARIS}\n{ROME}", True),
        ("Hello.", False),
        (f"{MARK}\n{PARIS}", False),
        (f"{PARIS}\n{MARK}", False),
        ('{"note": 5}', False),
        ('{"other": ""}', False),
    ],
)
def test_with_tools_and_a_schema_an_answer_is_either(text: str, admitted: bool) -> None:
    assert admits(asks(answer=ANSWER), text) is admitted


def test_a_schema_alone_holds_the_whole_answer() -> None:
    request = replace(asks(answer=ANSWER), tools=())
    assert admits(request, MARK)
    assert not admits(request, PARIS)


def refused(request: Request) -> BadRequest:
    """What is told of the schema that llguidance can't hold a model to."""
    grammar = constraint(request, HERMES, "", {})
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar or ""), log_level=0)
    assert matcher.is_error()
    return explain(BadRequest(matcher.get_error(), code="unsupported_schema"), request)


UNHELD: Object = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}


def test_a_tools_schema_that_cannot_be_held_is_named_with_its_place() -> None:
    tools = (*TOOLS, Tool("odd", "", UNHELD))
    told = refused(replace(asks(Choice((*NAMES, "odd"))), tools=tools))
    assert "the parameters of tool 'odd'" in told.message
    assert "#/properties/a/not" in told.message
    assert (told.param, told.code) == ("tools", "unsupported_schema")


def test_the_first_tool_is_not_taken_for_the_eleventh() -> None:
    tools = tuple(Tool(f"f{i}", "", UNHELD if i == 10 else CITY) for i in range(12))
    told = refused(replace(asks(Choice(tuple(tool.name for tool in tools))), tools=tools))
    assert "tool 'f10'" in told.message


def test_an_answers_schema_that_cannot_be_held_is_named() -> None:
    told = refused(asks(answer=UNHELD))
    assert told.message.startswith("response_format can't be held to at #/properties/a/not")
    assert told.param == "response_format"


def test_a_reference_that_leads_nowhere_is_refused() -> None:
    for pointer in ("#/$defs/none", "http://example.invalid/schema"):
        schema: Object = {"type": "object", "properties": {"a": {"$ref": pointer}}}
        told = refused(replace(asks(Choice(("f",))), tools=(Tool("f", "", schema),)))
        assert "tool 'f'" in told.message


def test_any_other_refusal_is_passed_on() -> None:
    refusal = BadRequest("something else")
    assert explain(refusal, asks()) is refusal
