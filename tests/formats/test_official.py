"""L0: `encode` writes a turn as the family's official chat template does, byte for byte.

`expected/turns.json` has the text of each turn in each family. Where the official templates are
available, they have to write the same, except where `officials.py` gives a reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from gateway.chat.json import Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.chat.request import Request
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.prompt.template import SWITCHES, Template, Vocabulary
from tests.formats.officials import (
    ASCII,
    FAMILY_OF,
    HEADED,
    HIDDEN,
    JSON,
    OFFICIAL,
    OFFICIALS,
    OTHERS,
    PYTHON,
    TOOLLESS,
    UNSEEN,
    Official,
)
from tests.formats.roundtrip import read
from tests.formats.strategies import without_ids

HERE = Path(__file__).parent
REPO = HERE.parents[1]
STORED: dict[str, dict[str, str]] = json.loads((HERE / "expected" / "turns.json").read_text())

WEATHER = Call("get_weather", {"city": "Paris", "days": 2}, "call00001")
TIME = Call("get_time", {"tz": "CET"}, "call00002")
MORE: Object = {"list": [1, 2.5, {"on": True}], "who": "me"}
NOTE = Call("note", {"text": 'é "x"\n', "more": MORE}, "call00003")
MUTE = Call("mute", {"on": False}, "call00004")
PING = Call("ping", {}, "call00005")
CALLS = (WEATHER, TIME, NOTE, MUTE, PING)

TURNS = {
    "one call": Turn(calls=(WEATHER,)),
    "two calls": Turn(calls=(WEATHER, TIME)),
    "nested": Turn(calls=(NOTE,)),
    "a boolean": Turn(calls=(MUTE,)),
    "no arguments": Turn(calls=(PING,)),
    "text and call": Turn("CCC", calls=(WEATHER,)),
    "text and two calls": Turn("CCC", calls=(WEATHER, TIME)),
    "text": Turn("CCC"),
    "reasoning and call": Turn("", "RRR", (WEATHER,)),
    "reasoning, text and call": Turn("CCC", "RRR", (WEATHER,)),
    "reasoning and text": Turn("CCC", "RRR"),
}

TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object"}


def tool(call: Call) -> Tool:
    properties: Object = {
        key: {"type": TYPES[type(value)], "description": "What."}
        for key, value in call.arguments.items()
    }
    return Tool(call.name, "Does it.", {"type": "object", "properties": properties})


TOOLS = tuple(tool(call) for call in CALLS)


def turns_of(family: str) -> dict[str, Turn]:
    """The turns that a family can write."""
    format = FAMILIES[family]
    return {
        title: turn
        for title, turn in TURNS.items()
        if (format.think or not turn.reasoning) and (len(turn.calls) < 2 or not format.single_call)
    }


@cache
def template(path: str) -> Template:
    source = (OFFICIAL / f"{path}.jinja").read_text(encoding="utf-8")
    return Template(source, FAMILIES[FAMILY_OF[path]], Vocabulary("<s>", "</s>", {}))


def written(path: str, turn: Turn) -> str:
    """What a template writes after a user message that `turn` answers."""
    made = template(path)
    results = [Result("TTT", call.id, call.name) for call in turn.calls]
    answer = Turn(turn.text, turn.reasoning, turn.calls)
    # A turn without reasoning has to be the same if more messages follow.
    more = () if turn.calls or turn.reasoning else (Speech("user", "More"),)
    messages: tuple[Message, ...] = (Speech("user", "Hello"), answer, *results, *more)
    switch = SWITCHES[made.thinking][bool(turn.reasoning)] if made.thinking else None
    variables = {made.thinking: switch} if made.thinking else {}
    tools = TOOLS if made.shows_tools else ()
    text = made.render(Request("m", messages, tools, template_variables=variables)).text
    return text[text.rindex("Hello") :].removeprefix("Hello").removeprefix("/nothink")


def starts(official: Official, turn: Turn) -> tuple[str, str]:
    """What may come between a user message and the turn that answers it."""
    silent, spoken = "" if turn.reasoning else official.silent, official.spoken if turn.text else ""
    return official.start + spoken, official.start + silent + spoken


def is_written(path: str, turn: Turn, text: str) -> bool:
    official, whole = OFFICIALS[path], encode(FAMILIES[FAMILY_OF[path]], turn)
    return any(
        text == start + whole or text.startswith(start + whole + end)
        for start in starts(official, turn)
        for end in official.ends
    )


@pytest.mark.parametrize("family", STORED)
def test_encode_writes_what_the_official_template_writes(family: str) -> None:
    format = FAMILIES[family]
    assert {title: encode(format, TURNS[title]) for title in STORED[family]} == STORED[family]


def test_every_family_is_tested() -> None:
    compared = {FAMILY_OF[path] for path in OFFICIALS}
    assert compared | set(UNSEEN) == set(STORED) == set(FAMILIES)
    assert not compared & set(UNSEEN)
    assert set(FAMILY_OF) == set(OFFICIALS)


@pytest.mark.vendors
def test_every_official_template_is_accounted_for() -> None:
    paths = {str(p.relative_to(OFFICIAL).with_suffix("")) for p in OFFICIAL.rglob("*.jinja")}
    assert paths == set(OFFICIALS) | set(OTHERS)
    assert not set(OFFICIALS) & set(OTHERS)


@pytest.mark.vendors
@pytest.mark.parametrize("path", OFFICIALS)
def test_official_template_writes_what_encode_writes(path: str) -> None:
    turns = turns_of(FAMILY_OF[path])
    differing = [t for t, turn in turns.items() if not is_written(path, turn, written(path, turn))]
    assert differing == [title for title in turns if title in OFFICIALS[path].otherwise]


@pytest.mark.vendors
def test_turns_on_which_template_and_encode_agree_are_stored() -> None:
    compared: dict[str, set[str]] = {}
    for path, official in OFFICIALS.items():
        titles = set(turns_of(FAMILY_OF[path])) - set(official.otherwise)
        compared.setdefault(FAMILY_OF[path], set()).update(titles)
    assert compared == {family: set(STORED[family]) for family in compared}


@pytest.mark.vendors
@pytest.mark.parametrize("path", OFFICIALS)
def test_turns_that_a_template_writes_differently_are_parsed(path: str) -> None:
    official = OFFICIALS[path]
    for title, turn in turns_of(FAMILY_OF[path]).items():
        if official.otherwise.get(title) not in (ASCII, HEADED, JSON, PYTHON) or turn.text:
            continue
        text = written(path, turn).removeprefix(official.start).removeprefix(official.silent)
        whole = text[: text.index("TTT")]
        end = max(whole.rfind(marker) for marker in (*official.ends, "<|call|>"))
        got = read(FAMILIES[FAMILY_OF[path]], TOOLS, [whole[:end]], whole_calls=True, strict=False)
        assert without_ids(got) == without_ids(turn), title


@pytest.mark.vendors
def test_each_official_template_without_tools_has_a_replacement() -> None:
    hiding = {path for path in OFFICIALS if not template(path).shows_tools}
    assert hiding == set(HIDDEN)
    whys = [why for _, why in OTHERS.values() if why.startswith(TOOLLESS)]
    shipped = {*HIDDEN.values(), *(why.removeprefix(TOOLLESS) for why in whys)}
    assert all((REPO / "templates" / f"{name}.jinja").is_file() for name in shipped)
