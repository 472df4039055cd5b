"""The check of the catalogue finds faults, and finds none in the files of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.chat.json import Json
from tests.training.data.catalogues import catalogue
from training.data.catalogue import HELD_OUT, ROOT, main, mistakes
from training.data.document import read
from training.data.phrase import Phrase
from training.data.tool import Tool
from training.data.values import Listed

TOOL: dict[str, Any] = {
    "name": "ring_bell",
    "description": "Ring a bell",
    "parameters": {
        "tower": {"type": "string", "values": "towers"},
        "times": {"type": "integer", "values": "1..9", "optional": True},
        "loud": {"type": "boolean", "optional": True, "said": {True: ["loudly"]}},
    },
    "asks": ["a {tower}", "b {tower}", "c {tower}", "d {tower}", "e {tower} {times}"],
    "lacking": [["Ring it.", "Which one?"]],
    "results": [{"seconds": "1..9"}],
    "answers": ["It rang for {result.seconds} s."],
    "failures": [[{"error": "rope"}, "The rope broke."]],
}


def peals(items: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a tool with an array."""
    array = {"type": "array", "optional": True, "items": items}
    return {"parameters": {**TOOL["parameters"], "peals": array}}


BELL = {"type": "object", "properties": {"bell": {"type": "string", "values": ["Anna"]}}}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"colour": "red"}, "'colour' was unexpected"),
    "few requests": ({"asks": ["a {tower}"]}, "1 items, but at least"),
    "no such slot": ({"two": ["{tower.1}, {tower.2}, {bell}"]}, "{bell} is not a parameter"),
    "one call for two": ({"two": ["ring {tower.1}"]}, "slots for both calls"),
    "nothing required": (
        {"two": ["{times.1} and {times.2}"]},
        "neither contains nor implies tower",
    ),
    "nothing lacks": (
        {"lacking": [["Ring {tower}", "How often?"]]},
        "no required value is missing",
    ),
    "no such result": ({"answers": ["{result.noise}"]}, "no result has {result.noise}"),
    "no news": ({"answers": ["It rang."]}, "contains no value of the result"),
    "no answer for it": ({"answers": ["{result.seconds}, {times}"]}, "no answer fits"),
    "unsayable": ({"results": [{"seconds": True}]}, "cannot be in a sentence"),
    "wrong value": (
        {"parameters": {"tower": {"type": "string", "values": [7]}}},
        "7 is not of type string",
    ),
    "no such pool": ({"parameters": {"tower": {"type": "string", "values": "x"}}}, "no pool 'x'"),
    "unsaid object": (peals(BELL), "an object in an array needs `ways`"),
    "part unsaid": (peals({**BELL, "ways": ["loudly"]}), "way 'loudly': it does not contain bell"),
    "brace": ({"answers": ["{result.seconds} }"]}, "a brace"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "values.yaml").write_text(yaml.dump({"towers": ["North Tower", "Old Keep"]}))
    return tmp_path


def found(folder: Path, tool: dict[str, Any]) -> list[str]:
    path = folder / "tools" / "bells.yaml"
    path.write_text(yaml.dump([tool]))
    return list(mistakes([path]))


def test_the_catalogue_has_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


def test_a_valid_tool_has_no_faults(folder: Path) -> None:
    assert found(folder, TOOL) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_found(name: str, folder: Path) -> None:
    change, wanted = WRONG[name]
    wrong = found(folder, {**TOOL, **change})
    assert any(wanted in mistake and "ring_bell" in mistake for mistake in wrong), wrong


@pytest.mark.parametrize("value", ["yes", "on", "7:30", "2026-02-17", "007", "0x1f"])
def test_an_ambiguous_yaml_value_is_found(value: str, folder: Path) -> None:
    path = folder / "values.yaml"
    path.write_text(f"towers: [{value}]")
    (mistake,) = mistakes([path])
    assert f"line 1: '{value}' needs quotes" in mistake


def test_a_duplicate_key_is_found(folder: Path) -> None:
    path = folder / "values.yaml"
    path.write_text("towers: [a]\ntowers: [b]")
    assert "'towers' is used twice" in next(mistakes([path]))


def test_a_duplicate_tool_name_is_found(folder: Path) -> None:
    taken = catalogue().tools[0].name
    assert any("duplicate tool name" in one for one in found(folder, {**TOOL, "name": taken}))


# -- the held-out set


def patterns(tools: tuple[Tool, ...]) -> set[str]:
    return {
        str(phrase).lower().strip(".?! ")
        for tool in tools
        for phrase in (ask.phrase for ask in (*tool.asks, *tool.two))
    }


def said(phrases: Iterator[Phrase]) -> set[str]:
    return {str(phrase).lower().strip(".?! ") for phrase in phrases}


def texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value.lower()
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def own_values(tools: tuple[Tool, ...]) -> set[str]:
    """The wordings of parameters that are not enums."""
    return {
        choice.wording.lower()
        for tool in tools
        for parameter in tool.parameters
        for one in parameter.parts()
        if one.type == "string" and not one.enum and isinstance(one.values, Listed)
        for ways in one.values.ways
        for choice in ways
    }


def test_held_out_tools_and_domains_are_not_in_the_training_data() -> None:
    ours, theirs = catalogue().tools, catalogue(True).tools
    assert not {tool.name.lower() for tool in ours} & {tool.name.lower() for tool in theirs}
    assert not {tool.domain for tool in ours} & {tool.domain for tool in theirs}
    assert not {tool.description for tool in ours} & {tool.description for tool in theirs}


def test_held_out_requests_and_talk_are_not_in_the_training_data() -> None:
    ours, theirs = catalogue(), catalogue(True)
    assert not patterns(ours.tools) & patterns(theirs.tools)
    for side in ("wording", "answer"):
        assert not said(getattr(one, side) for one in ours.talk) & said(
            getattr(one, side) for one in theirs.talk
        )
    assert not set(ours.unserved) & set(theirs.unserved)
    assert not set(ours.before + ours.after) & set(theirs.before + theirs.after)


def test_held_out_values_are_not_in_the_training_data() -> None:
    ours = set(texts(read(ROOT / "values.yaml"))) | own_values(catalogue().tools)
    theirs = set(texts(read(HELD_OUT / "values.yaml"))) | own_values(catalogue(True).tools)
    assert not ours & theirs
