"""Constraints of a request: tool choice, response schema and omitted schema keywords."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from gateway.chat.events import NoteKind, collect
from gateway.chat.json import Object
from gateway.chat.messages import Call, Speech, Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.errors import BadRequest
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES, HERMES
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint
from gateway.grammar.plain_text import no_call_grammar
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


def texts(built: Constraint, turn: Turn, *, is_whole: bool = True) -> list[str]:
    return [note.text for note in built.notes(turn, is_whole=is_whole)]


def asks(choice: ToolChoice = ToolChoice(NAMES), **more: Any) -> Request:
    return Request("m", (Speech("user", "Hello"),), TOOLS, choice, **more)


def admits(request: Request, text: str, format: str = "hermes") -> bool:
    """Returns whether the grammar accepts `text` as a complete answer."""
    grammar = Constraint(request, FAMILIES[format], "", {}).grammar
    if grammar is None:
        return True
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def test_without_tools_and_schema_only_the_opening_of_a_call_is_held() -> None:
    request = replace(asks(), tools=())
    assert Constraint(request, HERMES, "", {}).grammar == no_call_grammar(HERMES, {})
    assert Constraint(request, HERMES, "", {}, holds_text=False).grammar is None


def test_cached_grammar_is_used_only_for_equal_requests() -> None:
    changed = replace(asks(), tools=(Tool("get_weather", "", ANSWER), TOOLS[1]))
    different = [
        *(asks(ToolChoice(names)) for names in (NAMES, NAMES[:1], NAMES[1:])),
        *(asks(ToolChoice(NAMES, required, parallel)) for required, parallel in BOTH),
        *(asks(response_schema=answer) for answer in (ANSWER, CITY)),
        changed,
    ]
    written = [Constraint(request, HERMES, "", {}).grammar for request in different]
    written += [Constraint(asks(), HERMES, "", {"<tool_call>": id}).grammar for id in (1, 2)]
    written += [
        Constraint(asks(), FAMILIES["qwen3"], answer_prefix, {}).grammar
        for answer_prefix in ("", "<think>\n")
    ]
    written.append(Constraint(asks(), replace(HERMES, calls_exclude_text=True), "", {}).grammar)
    assert len(set(written)) == len(written)
    assert [Constraint(request, HERMES, "", {}).grammar for request in different] == written[:8]


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
def test_grammar_enforces_the_tool_choice(choice: ToolChoice, text: str, admitted: bool) -> None:
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
def test_tools_with_a_response_schema_admit_calls_or_json(text: str, admitted: bool) -> None:
    assert admits(asks(response_schema=ANSWER), text) is admitted


def test_response_schema_without_tools_admits_only_json() -> None:
    request = replace(asks(response_schema=ANSWER), tools=())
    assert admits(request, MARK)
    assert not admits(request, PARIS)


# -- schemas that can't be enforced

# llguidance rejects anchors in the middle of a pattern, and does not support `not`.
REJECTED: Object = {"type": "object", "properties": {"a": {"type": "string", "pattern": "a^b"}}}
UNSUPPORTED: Object = {
    "type": "object",
    "properties": {"a": {"type": "integer", "not": {"const": 1}}},
}


def accepted(request: Request, format: str = "hermes") -> tuple[Constraint, int]:
    """Returns a constraint whose grammar llguidance accepts, and the number of attempts."""
    built, attempts = Constraint(request, FAMILIES[format], "", {}), 1
    while True:
        lark = LLMatcher.grammar_from_lark(built.grammar or "")
        matcher = LLMatcher(TOKENIZER, lark, log_level=0)
        if not matcher.is_error():
            return built, attempts
        built.relax(BadRequest(matcher.get_error(), code="unsupported_schema"), built.grammar)
        attempts += 1


def offers(**schemas: Object) -> Request:
    tools = (*TOOLS, *(Tool(name, "", schema) for name, schema in schemas.items()))
    return replace(asks(ToolChoice(tuple(tool.name for tool in tools))), tools=tools)


def called(name: str, **arguments: Any) -> Turn:
    return Turn(calls=(Call(name, arguments),))


def matches(built: Constraint, text: str) -> bool:
    lark = LLMatcher.grammar_from_lark(built.grammar or "")
    matcher = LLMatcher(TOKENIZER, lark, log_level=0)
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def test_unsupported_keyword_is_omitted_before_the_first_attempt() -> None:
    built, attempts = accepted(offers(odd=UNSUPPORTED))
    assert attempts == 1
    assert texts(built, called("odd", a=2)) == [
        "not enforced while generating: tool 'odd' at #/properties/a: 'not'"
    ]
    text = texts(built, called("odd", a=1))[1]
    assert text.startswith("the call of 'odd' violates its schema at /a: ")


def test_call_of_an_enforced_tool_has_no_notes() -> None:
    built, _ = accepted(offers(odd=UNSUPPORTED))
    assert texts(built, called("get_time", city="Rome")) == []
    assert texts(built, Turn("Hello.")) == []


def test_rejected_keyword_is_omitted_only_from_its_tool() -> None:
    request = offers(**{f"f{i}": REJECTED if i == 10 else CITY for i in range(12)})
    built, attempts = accepted(request)
    assert attempts == 2
    assert matches(built, call("f10", {"a": "x"}))
    assert not matches(built, call("f10", {"a": 1}))
    assert not matches(built, call("f1", {"city": 1}))
    assert not matches(built, PARIS.replace('"Paris"', "1"))
    assert texts(built, called("f10", a="x"))[0].endswith("tool 'f10' at #/properties/a: 'pattern'")
    assert accepted(request)[1] == 1  # the omitted keywords are cached


def test_other_tools_stay_enforced_beside_several_rejected_ones() -> None:
    never: Object = {"type": "object", "properties": {"a": False}, "required": ["a"]}
    built, _ = accepted(offers(odd=REJECTED, worse=never, huge=UNSUPPORTED))
    assert not matches(built, PARIS.replace('"Paris"', "1"))
    assert matches(built, call("worse", {"anything": 1}))
    assert "violates its schema at /" in texts(built, called("worse", anything=1))[1]


def test_only_the_schema_with_too_many_symbols_is_relaxed() -> None:
    several: Object = {
        "allOf": [
            {"anyOf": [{"type": "object", "properties": {f"{c}{i}": {}}} for i in range(100)]}
            for c in "xy"
        ]
    }
    built, attempts = accepted(offers(huge={"type": "object", **several}))
    assert attempts == 2
    assert not matches(built, PARIS.replace('"Paris"', "1"))
    assert matches(built, PARIS)
    assert texts(built, called("huge"))[0].endswith("tool 'huge' at #/allOf/1: 'anyOf'")


def test_relaxation_does_not_depend_on_the_error_message() -> None:
    odd: Object = {**REJECTED, "title": "not cached"}
    built = Constraint(offers(odd=odd), HERMES, "", {})
    assert "a^b" in str(built.grammar)
    built.relax(BadRequest("nein", code="unsupported_schema"), built.grammar)
    assert "a^b" not in str(built.grammar)
    assert texts(built, called("odd", a="x"))[0].endswith("tool 'odd' at #/properties/a: 'pattern'")


def test_rejection_of_an_earlier_grammar_is_ignored() -> None:
    request = offers(odd={**REJECTED, "title": "rejected for two answers at once"})
    built = Constraint(request, HERMES, "", {})
    first, rejection = built.grammar, BadRequest("", code="unsupported_schema")
    built.relax(rejection, first)
    second = built.grammar
    built.relax(rejection, first)
    assert built.grammar == second != first


def test_response_schema_is_relaxed_and_validated() -> None:
    built, _ = accepted(replace(asks(response_schema=UNSUPPORTED), tools=()))
    assert matches(built, '{"a": 1}')
    assert not matches(built, '{"a": "x"}')
    assert texts(built, Turn('{"a": 1}')) == [
        "not enforced while generating: response_format at #/properties/a: 'not'",
        'the answer violates its schema at /a: {"const":1} is not allowed for 1',
    ]
    assert texts(built, Turn('{"a": '), is_whole=False) == []
    assert "not JSON" in texts(built, Turn('{"a": '))[1]


def test_what_a_failing_grammar_did_not_enforce_is_validated() -> None:
    held = Constraint(asks(), HERMES, "", {})
    turn = Turn(calls=(Call("get_weather", {"town": "Paris"}),) * 2)
    assert held.notes(called("get_weather", city="Paris")) == []
    enforced, violated = [note.text for note in held.notes(turn, failure="too many states")]
    assert enforced == (
        "not enforced from some point on: the grammar is too complex (too many states)"
    )
    assert violated.startswith("the call of 'get_weather' violates its schema at /: ")
    answer = Constraint(Request("m", (), response_schema=ANSWER), HERMES, "", {})
    assert answer.notes(Turn('{"note": ""}')) == []
    assert [note.kind for note in answer.notes(Turn("{}"), failure="it is")] == [
        NoteKind.UNENFORCED,
        NoteKind.VIOLATION,
    ]


def test_a_call_under_an_enforced_schema_is_validated_too() -> None:
    below: Object = {"type": "object", "properties": {"a": {"exclusiveMaximum": -249}}}
    built, _ = accepted(offers(below=below))
    [note] = built.notes(called("below", a=float("-249.000000000000000000001")))
    assert note.kind is NoteKind.VIOLATION


def test_call_that_cannot_be_validated_has_a_note() -> None:
    far: Object = {"type": "object", "properties": {"a": {"$ref": "http://example.invalid/s"}}}
    built, _ = accepted(offers(far=far))
    assert "could not be validated" in texts(built, called("far", a=1))[1]


def test_too_deeply_nested_schema_is_named_in_the_error() -> None:
    deep: Object = {}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    request = offers(deep={})
    schema: Object = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(BadRequest, match=r"tool 'deep': .*nested"):
        accepted(replace(request, tools=(Tool("deep", "", schema, json="too deep to be written"),)))
    with pytest.raises(BadRequest, match=r"response_format: .*nested"):
        accepted(asks(response_schema=deep))


def test_other_errors_are_raised_again() -> None:
    refusal = BadRequest("something else")
    with pytest.raises(BadRequest) as raised:
        Constraint(asks(), HERMES, "", {}).relax(refusal, None)
    assert raised.value is refusal


def test_unexplained_rejection_relaxes_one_schema_after_another() -> None:
    built = Constraint(asks(), HERMES, "", {})
    refusal = BadRequest("the grammar is too big", code="unsupported_schema")
    for _ in TOOLS:
        built.relax(refusal, built.grammar)
    with pytest.raises(BadRequest, match="too big"):
        built.relax(refusal, built.grammar)
    assert not admits(asks(), PARIS.replace('"Paris"', "1"))  # other constraints are not relaxed


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
def test_a_call_that_nothing_can_satisfy_is_an_error_if_it_is_required(format: Format) -> None:
    never: Object = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}},
        "required": ["a"],
    }
    asked = replace(offers(never=never), tool_choice=ToolChoice(("never",), required=True))
    with pytest.raises(BadRequest) as caught:
        Constraint(asked, format, "", {})
    assert caught.value.message == (
        "tool 'never': no value is valid under the JSON Schema at #/properties/a"
    )
    assert (caught.value.param, caught.value.code) == ("tools", "unsatisfiable_schema")
    assert Constraint(replace(asked, tool_choice=ToolChoice(("never",))), format, "", {}).grammar


def test_an_answer_that_nothing_can_satisfy_is_an_error() -> None:
    schema: Object = {"type": "object", "properties": {"a": False}, "required": ["a"]}
    with pytest.raises(BadRequest, match="response_format: no value is valid"):
        Constraint(Request("m", (), response_schema=schema), HERMES, "", {})


def test_one_of_several_required_tools_may_have_no_valid_arguments() -> None:
    never: Object = {"type": "object", "properties": {"a": False}, "required": ["a"]}
    asked = offers(never=never, city=CITY)
    asked = replace(asked, tool_choice=ToolChoice(("never", "city"), required=True))
    assert Constraint(asked, HERMES, "", {}).grammar


@pytest.mark.diagonal("format", "name")
@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("name", ["properties", "values"])
def test_a_large_schema_is_held_or_told(format: Format, name: str) -> None:
    properties: Object = {f"p{i}": {"type": "integer"} for i in range(2000)}
    values: Object = {"a": {"enum": [{"id": i} for i in range(20_000)]}}
    large: Object = {"type": "object", "properties": properties if name == "properties" else values}
    built, _ = accepted(offers(large=large), format.name)
    told = [] if name == "properties" else ["tool 'large' at #/properties/a: 'enum'"]
    found = texts(built, called("large"))
    assert found == [f"not enforced while generating: {one}" for one in told]


def test_cross_property_keywords_are_validated_in_formats_with_separate_arguments() -> None:
    either: Object = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "minProperties": 1,
    }
    built, _ = accepted(offers(either=either), "qwen_coder")
    assert texts(built, called("either", a=1)) == [
        "not enforced while generating: tool 'either' at #: 'minProperties'"
    ]
    assert "violates its schema at /" in texts(built, called("either"))[1]


def test_rejected_pattern_of_an_unquoted_value_is_omitted() -> None:
    odd: Object = {"type": "object", "properties": {"a": {"type": "string", "pattern": "b^c"}}}
    built, attempts = accepted(offers(odd=odd), "qwen_coder")
    begin = "<tool_call>\n<function=odd>\n<parameter=a>\n"
    assert matches(built, f"{begin}text\n</parameter>\n</function>\n</tool_call>")
    assert attempts == 2
    assert texts(built, called("odd", a="x"))[0].endswith("#/properties/a: 'pattern'")


@pytest.mark.diagonal("format", "where")
@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("where", ["in a value", "in a key", "anywhere"])
def test_other_tools_stay_enforced_beside_a_value_that_the_format_cannot_encode(
    format: Format, where: str
) -> None:
    closes = "".join(format.markers)
    properties: dict[str, Object] = {
        "in a value": {"a": {"enum": [closes]}},
        "in a key": {"a": {"type": "string"}, f"{closes}'\n": {"type": "string"}},
        "anywhere": {"a": False},
    }
    bad: Object = {"type": "object", "properties": properties[where], "required": ["a"]}
    built, _ = accepted(offers(bad=bad, good=CITY), format.name)
    good = Turn(calls=(Call("good", {"city": "Paris"}, "abcdefghi"),))
    assert matches(built, encode(format, good))
    assert texts(built, good) == []


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
def test_every_format_enforces_calls_or_the_response_schema(format: Format) -> None:
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
