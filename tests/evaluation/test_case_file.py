"""Reading cases: those of the package, and a user's own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.case import Case, spread
from gateway.evaluation.case_file import built_in, read_cases
from gateway.evaluation.score import causes
from tests.fakes import TOOLS

CASES = built_in()
CALL = {"name": "get_weather", "arguments": {"city": "Paris"}}


def ideal(case: Case) -> Answer:
    """A right answer to a case whose calls have given arguments."""
    text = " ".join(case.states) or "Well."
    if "response_format" in case.settings:
        text = '{"answer": "17", "done": true}'
    calls = tuple(Call(call.name, json.dumps(call.arguments)) for call in case.calls)
    return Answer(calls=calls) if calls else Answer(text)


def test_there_are_about_a_hundred_cases_for_every_tool_choice() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 100
    assert {case.choice for case in CASES} == {"auto", "required", "named", "none"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.id))
def test_a_right_answer_to_a_case_is_right_and_its_opposite_is_wrong(case: Case) -> None:
    if all(call.schema is None for call in case.calls):
        assert causes(case, ideal(case)) == ()
    opposite = Answer("Well.") if case.calls else Answer(calls=(Call("list_tasks", "{}"),))
    assert causes(case, opposite) != ()


def test_some_of_the_cases_have_few_tools() -> None:
    some = built_in("home")
    assert some == [case for case in CASES if case.id.startswith("home:")]
    assert max(len(case.tools) for case in some) == 8


def test_no_request_occurs_twice() -> None:
    texts = Counter(json.dumps(case.request("m"), sort_keys=True) for case in CASES)
    assert [text for text, count in texts.items() if count > 1] == []


def write(folder: Path, *lines: Any, tools: Any = TOOLS) -> list[Case]:
    (folder / "tools.json").write_text(json.dumps(tools))
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "cases.jsonl").write_text("\n".join(texts))
    return read_cases(folder / "tools.json", folder / "cases.jsonl")


def test_a_line_has_defaults_and_all_tools(tmp_path: Path) -> None:
    [case] = write(tmp_path, "", {"kind": "one", "messages": "Weather in Paris?", "calls": [CALL]})
    assert case.id == "cases:2"
    assert case.request("m") == {
        "model": "m",
        "messages": [{"role": "user", "content": "Weather in Paris?"}],
        "temperature": 0,
        "max_tokens": 160,
        "tool_choice": "auto",
        "tools": TOOLS,
    }
    assert case.request("m", 500)["max_tokens"] == 500


def test_a_line_can_offer_some_tools_or_none(tmp_path: Path) -> None:
    some = {"kind": "one", "messages": "Hello", "calls": []}
    one, none = write(tmp_path, {**some, "tools": ["get_time"]}, {**some, "tools": []})
    assert [tool["function"]["name"] for tool in one.tools] == ["get_time"]
    assert none.request("m").keys() == {"model", "messages", "temperature", "max_tokens"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "cases.jsonl:1: Input data was truncated"),
        ({"kind": "one"}, "cases.jsonl:1: .*missing required field `messages`"),
        ({"kind": "one", "messages": "a", "calls": [], "x": 1}, "cases.jsonl:1: .*unknown field"),
        ({"kind": "one", "messages": 1, "calls": []}, "cases.jsonl:1: .* at `\\$.messages`"),
        (
            {"kind": "one", "messages": "a", "calls": [], "tools": ["fly"]},
            "no tool 'fly'; there are get_weather, get_time",
        ),
        (
            {"kind": "one", "messages": "a", "calls": [CALL], "tools": ["get_time"]},
            "the expected call of 'get_weather' is not of an offered tool",
        ),
        (
            {"kind": "one", "messages": "a", "calls": [{**CALL, "arguments": {"city": 1}}]},
            "the expected call of 'get_weather' has invalid arguments: at /city",
        ),
    ],
)
def test_a_wrong_line_is_reported_in_one_line(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        write(tmp_path, line)
    assert "\n" not in caught.value.message


def test_wrong_files_are_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*no\.json: No such file"):
        read_cases(tmp_path / "no.json", tmp_path / "no.jsonl")
    with pytest.raises(ConfigError, match=r"tools\.json: Expected `array`"):
        write(tmp_path, tools={})
    with pytest.raises(ConfigError, match=r"cases\.jsonl has no cases"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ("required", "required"),
        ({"type": "function", "function": {"name": "get_time"}}, "named"),
        ({"type": "allowed_tools", "allowed_tools": {}}, "allowed_tools"),
    ],
)
def test_a_tool_choice_is_shown_as_a_word(tmp_path: Path, choice: Any, word: str) -> None:
    line = {"kind": "one", "messages": "Hello", "calls": [CALL], "tool_choice": choice}
    [case] = write(tmp_path, line)
    assert case.choice == word


def test_a_spread_has_every_so_many_cases_of_each_kind() -> None:
    chosen = spread(CASES, 5)
    groups = {(case.kind, case.choice) for case in CASES}
    assert {(case.kind, case.choice) for case in chosen} == groups
    one = [case.id for case in CASES if (case.kind, case.choice) == ("one call", "auto")]
    assert [case.id for case in chosen if case.id in one] == one[::5]
    assert spread(CASES, 1) == CASES
