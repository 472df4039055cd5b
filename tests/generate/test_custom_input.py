"""Custom tools: their grammars are checked, and so are inputs that no grammar held."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from gateway.chat.custom_tools import INPUT, InputReader, custom_tool, input_of
from gateway.chat.events import NoteKind
from gateway.chat.messages import Call, Speech, TextGrammar, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.errors import BadRequest
from gateway.formats.families import HERMES, QWEN_CODER
from gateway.generate.constraint import Constraint
from gateway.generate.validate import Draft
from tests.fakes import call
from tests.grammar.custom.grammars import ADDED, PATCH

PATCH_TOOL = custom_tool("apply_patch", "Edits files.", TextGrammar("lark", PATCH))
FREE = custom_tool("note", "")


def asks(*tools: str, syntax: Literal["lark", "regex"] = "lark") -> Request:
    given = tuple(
        custom_tool(f"t{i}", "", TextGrammar(syntax, text)) for i, text in enumerate(tools)
    )
    return Request("m", (Speech("user", "Hello"),), given, ToolChoice(tuple(t.name for t in given)))


def patching() -> Request:
    choice = ToolChoice(("apply_patch", "note"))
    return Request("m", (Speech("user", "Hello"),), (PATCH_TOOL, FREE), choice)


INVALID = [
    ("", "no rule `start`"),
    ("start: a", "'a' is not defined"),
    ('start: "a', "line 1"),
    ('start: "a"\nstart: "b"', "defined twice"),
    ("start: ( a", "expected"),
    ("start: <think>", "not supported"),
    ('start: %json {"type": "string"}', "found '%json'"),
    ('start[stop="x"]: /a/', "only the option `lazy`"),
    ("%import other.X\nstart: X", "only `common`"),
    ("%import common.X\nstart: X", "no 'X'"),
    ("start: /a(?=b)/", "look"),
    ("start: A\nA: b\nb: A", "unknown name"),
    ("start: r0\n" + "\n".join(f"r{i}: r{i + 1}" for i in range(200)) + '\nr200: "a"', "100 deep"),
    ("start: " + "(" * 100 + '"a"' + ")" * 100, "nested too deep"),
]


@pytest.mark.parametrize(("definition", "reason"), INVALID)
def test_invalid_grammar_is_refused(definition: str, reason: str) -> None:
    with pytest.raises(BadRequest, match="tool 't0': its grammar") as caught:
        Constraint(asks(definition), HERMES, "", {})
    assert reason in caught.value.message
    assert caught.value.param == "tools"


def test_invalid_regex_is_refused() -> None:
    with pytest.raises(BadRequest, match="tool 't0': its grammar"):
        Constraint(asks("[a", syntax="regex"), HERMES, "", {})


def test_recursive_grammar_that_escapes_make_ambiguous_is_refused_in_such_formats() -> None:
    lines = 'start: block\nblock: "{" LF (LINE LF | block)* "}" LF\nLINE: /[^{}\\n]+/\nLF: "\\n"'
    with pytest.raises(BadRequest, match="this model's format"):
        Constraint(asks(lines), HERMES, "", {})
    assert Constraint(asks(lines), QWEN_CODER, "", {}).grammar


def test_recursive_grammar_has_bounds() -> None:
    optional = " ".join(['"x"?'] * 300)
    with pytest.raises(BadRequest, match="may have 200 parts in a row"):
        Constraint(asks(f'start: a\na: "(" a ")" {optional}'), QWEN_CODER, "", {})
    chain = "\n".join(f"r{i}: r{i + 1} r{i + 1}" for i in range(60))
    twice = f'start: a r0\na: "(" a ")" | "b"\n{chain}\nr60: "c"?'
    assert Constraint(asks(twice), QWEN_CODER, "", {}).grammar
    many = " | ".join(f"/{i}x/" for i in range(300))
    with pytest.raises(BadRequest, match="may have 200 rules and terminals"):
        Constraint(asks(f'start: a\na: "(" a ")" | {many}'), HERMES, "", {})


def test_input_that_breaks_its_grammar_is_noted() -> None:
    constraint = Constraint(patching(), HERMES, "", {})
    good = Turn(calls=(Call("apply_patch", {INPUT: ADDED}), Call("note", {INPUT: "Hi"})))
    assert constraint.notes(good) == []
    [note] = constraint.notes(Turn(calls=(Call("apply_patch", {INPUT: "Hi"}),)))
    assert note.kind is NoteKind.VIOLATION


def test_input_that_breaks_its_grammar_is_a_fault_of_an_unconstrained_answer() -> None:
    def fault(text: str) -> str | None:
        draft = Draft(patching(), HERMES, "")
        draft.feed(call("apply_patch", {INPUT: text}))
        return draft.fault("stop")

    assert fault(ADDED) is None
    assert fault("Hi") == "the input of 'apply_patch' does not match its grammar"


def test_model_sees_a_custom_tool_as_a_function_with_its_grammar() -> None:
    assert PATCH_TOOL.description == "Edits files."
    properties: Any = PATCH_TOOL.parameters["properties"]
    assert PATCH in properties[INPUT]["description"]
    assert FREE.parameters["required"] == [INPUT]


TEXTS = ["", "a\n\"b\" \\ 'c'", "日本 🙂", "\x00\x1f\u2028"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("cut", [1, 2, 3, 1000])
@pytest.mark.parametrize("is_ascii", [False, True])
def test_input_is_read_as_it_is_generated(text: str, cut: int, is_ascii: bool) -> None:
    written = json.dumps({INPUT: text}, ensure_ascii=is_ascii)
    reader = InputReader()
    pieces = [written[at : at + cut] for at in range(0, len(written), cut)]
    assert "".join(map(reader.feed, pieces)) == text


def test_input_of_arguments_is_text() -> None:
    assert input_of({INPUT: "a"}) == "a"
    assert input_of({}) == ""
    assert input_of({INPUT: [1]}) == "[1]"
