"""Calls written as plain JSON are read; JSON that the user asked for remains text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.events import CallStart, NoteKind, Text, collect
from gateway.chat.json import Object
from gateway.chat.messages import Call, Tool, Turn
from gateway.parsing.json_calls import JsonCalls

CITY: Object = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS = [Tool("get_weather", "", CITY), Tool("stop", "", {"type": "object"})]
PARIS, STOP = Call("get_weather", {"city": "Paris"}), Call("stop", {})

FENCED = """```json
{
  "name": "get_weather",
  "arguments": {
    "city": "Paris"
  }
}
```"""
BARE = '{"name": "get_weather", "arguments": {"city": "Paris"}}'

CALLS = [
    (FENCED, "", [PARIS]),
    (BARE, "", [PARIS]),
    (f"\n {BARE}\n", "", [PARIS]),
    (FENCED.replace("json", ""), "", [PARIS]),
    (FENCED.replace("json", "tool_call"), "", [PARIS]),
    (f"Let me look.\n\n{FENCED}\n", "Let me look.", [PARIS]),
    (f"<tools>\n{BARE}\n</tools>", "", [PARIS]),
    (f'{BARE}\n{{"name": "stop", "parameters": {{}}}}', "", [PARIS, STOP]),
    (f'[{BARE}, {{"name": "stop", "args": {{}}}}]', "", [PARIS, STOP]),
    (f'```json\n{BARE},\n{{"name": "stop", "input": {{}}}}\n```', "", [PARIS, STOP]),
    (f"{FENCED}\n{FENCED}", "", [PARIS, PARIS]),
    (
        '{"arguments": {"city": "a}]\\"{"}, "name": "get_weather"}',
        "",
        [Call("get_weather", {"city": 'a}]"{'})],
    ),
    (BARE[:-2], "", [PARIS]),
    (f"```json\n[{BARE}", "", [PARIS]),
    (f"[{BARE}, {BARE[:-1]}", "", [PARIS, PARIS]),
    (f"```json\n[{BARE}]]\n```", "", [PARIS]),
    (BARE + "}", "", [PARIS]),
    ('{"type": "function", "id": "1", "name": "stop", "arguments": "{}"}', "", [STOP]),
]

TEXTS = [
    "Hello.",
    "`code` and <b>tags</b>\n",
    "```python\nprint(1)\n```",
    '{"name": "Ann", "age": 3}',
    '```json\n["red", "green"]\n```',
    f"{FENCED}\nThat is how one calls it.",
    f"In JSON that is {BARE}",
    f"{BARE},",
    BARE[:-3],
    BARE[:-1].replace("city", "town"),
    BARE.replace("}}", "}]"),
    BARE.replace("get_weather", "get_time"),
    BARE.replace("city", "town"),
    BARE[:-1] + ', "comment": "x"}',
    '{"name": "stop"}',
    "{" * 100,
    "```json\n```",
]


def read(
    text: str, cuts: list[int], *, complete: bool = True, max_calls: int | None = None
) -> tuple[Turn, str]:
    """The turn that `text`, cut into pieces, is read as; and the text that came before its end."""
    reader = JsonCalls(TOOLS)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [Text(text[a:b]) for a, b in pairwise(places)]
    events = [e for one in pieces for e in reader.filter([one], ended=False, complete=False)]
    early = collect(events).text
    events += reader.filter([], ended=True, complete=complete)
    return collect(events), early


CUTS = st.lists(st.integers(1, 200), max_size=20)


@pytest.mark.parametrize(("text", "content", "calls"), CALLS)
@given(cuts=CUTS)
def test_call_written_as_json_is_read(
    text: str, content: str, calls: list[Call], cuts: list[int]
) -> None:
    turn, early = read(text, cuts)
    assert (turn.text, turn.calls) == (content, tuple(calls))
    assert early == content


@pytest.mark.parametrize("text", TEXTS)
@given(cuts=CUTS)
def test_other_text_remains_as_it_is(text: str, cuts: list[int]) -> None:
    assert read(text, cuts)[0] == Turn(text)


@pytest.mark.parametrize(("text", "content", "calls"), CALLS)
def test_call_that_is_cut_off_is_text(text: str, content: str, calls: list[Call]) -> None:
    for length in range(len(text)):
        assert read(text[:length], [], complete=False)[0] == Turn(text[:length])


@pytest.mark.parametrize("text", ["Hello.", "```python\nx", '{"name": "Ann', '```json\n{"title'])
def test_text_is_held_back_only_while_it_may_be_a_call(text: str) -> None:
    assert read(text, [*range(len(text))])[1] == text


def test_only_so_many_calls_are_read_as_are_allowed() -> None:
    reader = JsonCalls(TOOLS, max_calls=1)
    events = [*reader.filter([Text(f"{FENCED}\n{BARE}")], ended=True, complete=True)]
    assert collect(events).calls == (PARIS,)
    assert [note.kind for note in reader.notes] == [NoteKind.REPAIRED, NoteKind.DROPPED]


def test_json_beside_a_call_in_the_models_format_is_text() -> None:
    reader = JsonCalls(TOOLS)
    events = [*reader.filter([CallStart("stop"), Text(BARE)], ended=True, complete=True)]
    assert events == [CallStart("stop"), Text(BARE)]


def test_call_that_has_its_result_already_is_text() -> None:
    reader = JsonCalls(TOOLS, answered=[PARIS])
    assert collect(reader.filter([Text(FENCED)], ended=True, complete=True)) == Turn(FENCED)
    reader = JsonCalls(TOOLS, answered=[STOP])
    events = reader.filter([Text(FENCED)], ended=True, complete=True)
    assert collect(events).calls == (PARIS,)


def test_call_with_a_long_argument_is_read() -> None:
    text = "x" * 300_000
    long = BARE.replace("Paris", text)
    turn, _ = read(long, [])
    assert turn.calls == (Call("get_weather", {"city": text}),)
