"""Plain JSON in the text of an answer is held from the key of a tool's arguments on."""

from __future__ import annotations

import pytest

from gateway.chat.messages import Tool
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.grammar.turn import grammar, text_grammar
from tests.formats.vocabulary import vocabulary

TOOLS = [
    Tool(
        "get_weather",
        "",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    ),
    Tool(
        "set_alarm",
        "",
        {
            "type": "object",
            "properties": {"hour": {"type": "integer", "maximum": 23}},
            "required": ["hour"],
        },
    ),
]
WITH_PLAIN_TEXT = [
    format
    for format in FAMILIES.values()
    if not any(format.content) and not format.calls_exclude_text
]
IN_TEXT = pytest.mark.parametrize("format", WITH_PLAIN_TEXT, ids=lambda format: format.name)

CALLS = [
    '{"name": "get_weather", "arguments": {"city": "Paris"}}',
    '{"name":"set_alarm","parameters":{"hour":7}}',
    '```json\n{\n  "name": "set_alarm",\n  "args": {\n    "hour": 7\n  }\n}\n```',
    '[{"type": "function", "name": "set_alarm", "input": {"hour": 7}},\n'
    ' {"name": "get_weather", "arguments": {"city": "Rome"}}]',
    'I call:\n<tools>{"name": "set_alarm", "arguments": {"hour": 7}}</tools>',
    '{"name": "set_alarm", "arguments": {"hour": 7}}\nDone. {"a": 1}',
]
OTHER_JSON = [
    '{"name": "Ann", "arguments": 3}',
    '[{"name": "get_weather", "description": "Tells the weather"}]',
    '{"name": "get_weather_of_mars", "arguments": {"hour": "x"}}',
    'In the line {"name": "set_alarm", "arguments": {"hour": "x"}} nothing is held.',
]
VIOLATIONS = [  # the text up to what violates the schema, and that
    ('{"name": "get_weather", "arguments": {"', "town"),
    ('```json\n{"name": "set_alarm",\n "arguments": {"hour": ', '"'),
    ('[{"name": "set_alarm", "parameters": {"hour": 7}}, {"name": "set_alarm", "args": ', "["),
    ('{"name": "Ann"}\n{"name": "set_alarm", "input": {"hour": 2', "9"),
]


def admits(format: Format, text: str) -> bool:
    words = vocabulary(format, special=True)
    lark = grammar(format, TOOLS, json_calls=True, special=words.special)
    return words.admits(lark, list((text + format.turn_end).encode()))


@pytest.mark.diagonal("format", "text")
@IN_TEXT
@pytest.mark.parametrize("text", [*CALLS, *OTHER_JSON])
def test_calls_and_other_json_can_be_written(format: Format, text: str) -> None:
    assert admits(format, text)


@pytest.mark.diagonal("format", "text")
@IN_TEXT
@pytest.mark.parametrize(("text", "wrong"), VIOLATIONS)
def test_arguments_are_held_to_the_schema(format: Format, text: str, wrong: str) -> None:
    words = vocabulary(format, special=True)
    start = list((text).encode())
    matcher = words.matcher(grammar(format, TOOLS, json_calls=True, special=words.special))
    assert matcher.try_consume_tokens(start) == len(start)
    assert matcher.try_consume_tokens(list(wrong.encode())) < len(wrong.encode())
    free = words.matcher(grammar(format, TOOLS, special=words.special))
    assert free.try_consume_tokens(whole := [*start, *wrong.encode()]) == len(whole)


@IN_TEXT
def test_the_grammar_without_calls_ends_where_a_call_is_held(format: Format) -> None:
    words = vocabulary(format, special=True)
    lark = text_grammar(format, json_calls=["get_weather"], special=words.special)
    head = list(b'{"name": "get_weather", "arguments"')
    assert words.matcher(lark).try_consume_tokens(head) == len(head)
    assert words.matcher(lark).try_consume_tokens([*head, *b":"]) == len(head)
