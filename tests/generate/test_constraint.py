"""What a request asks decides what the model may write, and a refusal says whose schema it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from gateway.chat.events import collect
from gateway.chat.json import Object
from gateway.chat.messages import Call, Speech, Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.errors import BadRequest
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES, HERMES
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint, constraint
from gateway.parsing.decoder import Decoder
from tests.fakes import call
from tests.formats.strategies import without_ids

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
BOTH = [(True, True), (True, False)]


def texts(held: Constraint, turn: Turn, *, is_whole: bool = True) -> list[str]:
    return [note.text for note in held.notes(turn, is_whole=is_whole)]


def asks(choice: ToolChoice = ToolChoice(NAMES), **more: Any) -> Request:
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


def test_a_grammar_is_kept_for_the_same_request_alone() -> None:
    changed = replace(asks(), tools=(Tool("get_weather", "", ANSWER), TOOLS[1]))
    different = [
        *(asks(ToolChoice(names)) for names in (NAMES, NAMES[:1], NAMES[1:])),
        *(asks(ToolChoice(NAMES, required, parallel)) for required, parallel in BOTH),
        *(asks(response_schema=answer) for answer in (ANSWER, CITY)),
        changed,
    ]
    written = [constraint(request, HERMES, "", {}) for request in different]
    written += [constraint(asks(), HERMES, "", {"<tool_call>": id}) for id in (1, 2)]
    written += [
        constraint(asks(), FAMILIES["qwen3"], answer_prefix, {})
        for answer_prefix in ("", "<think>\n")
    ]
    written.append(constraint(asks(), replace(HERMES, calls_exclude_text=True), "", {}))
    assert len(set(written)) == len(written)
    assert [constraint(request, HERMES, "", {}) for request in different] == written[:8]


def test_only_chosen_tools_can_be_called() -> None:
    request = asks(ToolChoice(("get_time",)))
    assert [tool.name for tool in request.callable_tools] == ["get_time"]
    assert admits(request, ROME)
    assert not admits(request, PARIS)


@pytest.mark.parametrize(
    ("choice", "text", "admitted"),
    [
        (ToolChoice(NAMES), "Hello.", True),
        (ToolChoice(NAMES), PARIS, True),
        (ToolChoice(NAMES), f"So.\n{PARIS}\n{ROME}", True),
        (ToolChoice(NAMES, parallel=False), f"{PARIS}\n{ROME}", False),
        (ToolChoice(NAMES, parallel=False), PARIS, True),
        (ToolChoice(NAMES, required=True), "Hello.", False),
        (ToolChoice(NAMES, required=True), f"{PARIS}\n{ROME}", True),
        (ToolChoice(("get_time",), required=True, parallel=False), ROME, True),
        (ToolChoice(("get_time",), required=True, parallel=False), PARIS, False),
        (ToolChoice(), "Hello.", True),
    ],
)
def test_a_choice_is_held_to(choice: ToolChoice, text: str, admitted: bool) -> None:
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
    assert admits(asks(response_schema=ANSWER), text) is admitted


def test_a_schema_alone_holds_the_whole_answer() -> None:
    request = replace(asks(response_schema=ANSWER), tools=())
    assert admits(request, MARK)
    assert not admits(request, PARIS)


# -- schemas that can't be held

# llguidance has no anchors in the middle of a pattern, and no word for `not`.
REFUSED: Object = {"type": "object", "properties": {"a": {"type": "string", "pattern": "a^b"}}}
UNHELD: Object = {"type": "object", "properties": {"a": {"type": "integer", "not": {"const": 1}}}}


def settled(request: Request, format: str = "hermes") -> tuple[Constraint, int]:
    """A constraint that llguidance takes, and how often it had to be asked."""
    held, asked = Constraint(request, FAMILIES[format], "", {}), 1
    while True:
        lark = LLMatcher.grammar_from_lark(held.grammar or "")
        matcher = LLMatcher(TOKENIZER, lark, log_level=0)
        if not matcher.is_error():
            return held, asked
        held.relax(BadRequest(matcher.get_error(), code="unsupported_schema"), held.grammar)
        asked += 1


def offers(**schemas: Object) -> Request:
    tools = (*TOOLS, *(Tool(name, "", schema) for name, schema in schemas.items()))
    return replace(asks(ToolChoice(tuple(tool.name for tool in tools))), tools=tools)


def called(name: str, **arguments: Any) -> Turn:
    return Turn(calls=(Call(name, arguments),))


def takes(held: Constraint, text: str) -> bool:
    lark = LLMatcher.grammar_from_lark(held.grammar or "")
    matcher = LLMatcher(TOKENIZER, lark, log_level=0)
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def test_what_is_known_to_be_too_much_is_not_asked() -> None:
    held, asked = settled(offers(odd=UNHELD))
    assert asked == 1
    assert texts(held, called("odd", a=2)) == [
        "not enforced while generating: tool 'odd' at #/properties/a: 'not'"
    ]
    told = texts(held, called("odd", a=1))[1]
    assert told.startswith("the call of 'odd' violates its schema at /a: ")


def test_a_tool_that_is_held_has_no_notes() -> None:
    held, _ = settled(offers(odd=UNHELD))
    assert texts(held, called("get_time", city="Rome")) == []
    assert texts(held, Turn("Hello.")) == []


def test_what_is_refused_is_left_out_of_that_tool_alone() -> None:
    request = offers(**{f"f{i}": REFUSED if i == 10 else CITY for i in range(12)})
    held, asked = settled(request)
    assert asked == 2
    assert takes(held, call("f10", {"a": "x"}))
    assert not takes(held, call("f10", {"a": 1}))
    assert not takes(held, call("f1", {"city": 1}))
    assert not takes(held, PARIS.replace('"Paris"', "1"))
    assert texts(held, called("f10", a="x"))[0].endswith("tool 'f10' at #/properties/a: 'pattern'")
    assert settled(request)[1] == 1  # it is known from then on


def test_many_bad_tools_do_not_end_a_request() -> None:
    never: Object = {"type": "object", "properties": {"a": False}, "required": ["a"]}
    held, _ = settled(offers(odd=REFUSED, worse=never, huge=UNHELD))
    assert not takes(held, PARIS.replace('"Paris"', "1"))
    assert takes(held, call("worse", {"anything": 1}))
    assert "violates its schema at /" in texts(held, called("worse", anything=1))[1]


def test_too_many_symbols_cost_the_largest_schema_its_form() -> None:
    several: Object = {
        "allOf": [
            {"anyOf": [{"type": "object", "properties": {f"{c}{i}": {}}} for i in range(100)]}
            for c in "xy"
        ]
    }
    held, _ = settled(offers(huge={"type": "object", **several}))
    assert not takes(held, PARIS.replace('"Paris"', "1"))
    assert takes(held, PARIS)


def test_an_answer_is_relaxed_and_checked_too() -> None:
    held, _ = settled(replace(asks(response_schema=UNHELD), tools=()))
    assert takes(held, '{"a": 1}')
    assert not takes(held, '{"a": "x"}')
    assert texts(held, Turn('{"a": 1}')) == [
        "not enforced while generating: response_format at #/properties/a: 'not'",
        'the answer violates its schema at /a: {"const":1} is not allowed for 1',
    ]
    assert texts(held, Turn('{"a": '), is_whole=False) == []
    assert "not JSON" in texts(held, Turn('{"a": '))[1]


def test_a_call_that_cannot_be_checked_is_said_to_be_so() -> None:
    far: Object = {"type": "object", "properties": {"a": {"$ref": "http://example.invalid/s"}}}
    held, _ = settled(offers(far=far))
    assert "could not be validated" in texts(held, called("far", a=1))[1]


def test_a_schema_nested_too_deep_is_named() -> None:
    deep: Object = {}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    request = offers(deep={})
    schema: Object = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(BadRequest, match=r"tool 'deep': .*nested"):
        settled(replace(request, tools=(Tool("deep", "", schema, json="too deep to be written"),)))
    with pytest.raises(BadRequest, match=r"response_format: .*nested"):
        settled(asks(response_schema=deep))


def test_any_other_refusal_is_passed_on() -> None:
    refusal = BadRequest("something else")
    with pytest.raises(BadRequest) as raised:
        Constraint(asks(), HERMES, "", {}).relax(refusal, None)
    assert raised.value is refusal


def test_a_refusal_that_no_schema_is_to_blame_for_ends_in_time() -> None:
    held = Constraint(asks(), HERMES, "", {})
    refusal = BadRequest("the grammar is too big", code="unsupported_schema")
    for _ in TOOLS:
        held.relax(refusal, held.grammar)
    with pytest.raises(BadRequest, match="too big"):
        held.relax(refusal, held.grammar)
    assert not admits(asks(), PARIS.replace('"Paris"', "1"))  # and nobody else pays for it


def test_what_goes_across_arguments_written_one_by_one_is_checked() -> None:
    either: Object = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    held, _ = settled(offers(either=either), "qwen_coder")
    assert texts(held, called("either", a=1)) == [
        "not enforced while generating: tool 'either' at #: 'anyOf'"
    ]
    assert "violates its schema at /" in texts(held, called("either"))[1]


def test_a_pattern_that_no_bare_value_can_be_held_to_is_left_out() -> None:
    odd: Object = {"type": "object", "properties": {"a": {"type": "string", "pattern": "b^c"}}}
    held, asked = settled(offers(odd=odd), "qwen_coder")
    begin = "<tool_call>\n<function=odd>\n<parameter=a>\n"
    assert takes(held, f"{begin}text\n</parameter>\n</function>\n</tool_call>")
    assert asked == 2
    assert texts(held, called("odd", a="x"))[0].endswith("#/properties/a: 'pattern'")


@pytest.mark.diagonal("format", "where")
@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("where", ["in a value", "in a key", "anywhere"])
def test_what_a_format_can_not_write_takes_nothing_else_down(format: Format, where: str) -> None:
    closes = "".join(format.markers)
    properties: dict[str, Object] = {
        "in a value": {"a": {"enum": [closes]}},
        "in a key": {"a": {"type": "string"}, f"{closes}'\n": {"type": "string"}},
        "anywhere": {"a": False},
    }
    bad: Object = {"type": "object", "properties": properties[where], "required": ["a"]}
    held, _ = settled(offers(bad=bad, good=CITY), format.name)
    good = Turn(calls=(Call("good", {"city": "Paris"}, "abcdefghi"),))
    assert takes(held, encode(format, good))
    assert texts(held, good) == []


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
def test_every_format_holds_to_calls_or_the_response_format(format: Format) -> None:
    request = asks(response_schema=ANSWER)
    call = Call("get_time", {"city": "Rome"}, "abcdefghi")
    called = [Turn(calls=(call,)), *([] if format.single_call else [Turn(calls=(call, call))])]
    for turn in (Turn('{"note": "<b> is a mark"}'), *called):
        text = encode(format, turn)
        assert admits(request, text, format.name)
        decoder = Decoder(replace(format, calls_exclude_text=True), TOOLS)
        events = [event for piece in text for event in decoder.feed(piece)] + decoder.close()
        assert without_ids(collect(events)) == without_ids(turn)
    assert not admits(request, encode(format, Turn("Hello.")), format.name)
    assert not admits(request, encode(format, Turn('{"other": ""}')), format.name)
