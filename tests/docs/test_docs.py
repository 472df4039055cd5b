"""What the pages show is what the program does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.inspect.records import Record, message, replayed
from gateway.config.load import load
from gateway.evaluation.case_file import read_cases
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from tests.formats import test_roundtrip
from tests.grammar import test_turn as test_grammar

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"
PAGE = (DOCS / "adding-a-format.md").read_text()


def blocks(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the page's code defines; running it checks its assertions."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "adding-a-format.md", "exec"), names)
    return names


@pytest.fixture
def acme(example: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Format:
    """The page's format, added to the families."""
    format: Format = example["ACME"]
    monkeypatch.setitem(FAMILIES, "acme", format)
    return format


def without_ids(said: dict[str, Any]) -> dict[str, Any]:
    calls = [{**call, "id": ""} for call in said.get("tool_calls", [])]
    return {**said, "tool_calls": calls}


def test_the_example_writes_the_text_at_the_start_of_the_page(example: dict[str, Any]) -> None:
    [text] = blocks("text")
    assert example["text"] == text.removesuffix("\n")


def test_the_example_is_parsed_as_the_page_shows(acme: Format) -> None:
    shown, record, answer = blocks("json")
    [text] = blocks("text")
    assert without_ids(message(Record(format="acme", text=text))) == without_ids(json.loads(shown))
    assert replayed(record.encode()) == json.loads(answer)


@pytest.mark.parametrize(
    "law",
    [
        test_roundtrip.test_an_encoded_turn_decodes_to_itself_however_it_is_split,
        test_roundtrip.test_any_text_decodes_the_same_however_it_is_split,
        test_roundtrip.test_no_text_of_a_truncated_turn_is_lost,
        test_grammar.test_the_grammar_admits_every_turn,
        test_grammar.test_the_grammar_of_a_required_call_admits_every_call,
        test_grammar.test_whatever_the_grammar_admits_is_parsed_as_valid_calls,
    ],
    ids=lambda law: law.__name__,
)
def test_the_laws_hold_for_the_example(acme: Format, law: Callable[..., None]) -> None:
    law(format=acme)


def test_the_example_has_evidence(example: dict[str, Any]) -> None:
    assert example["ACME_EVIDENCE"].models == "Acme 8B, Acme 70B"


def test_the_entry_of_the_example_is_valid(tmp_path: Path) -> None:
    [entry] = blocks("yaml")
    path = tmp_path / "models.yaml"
    path.write_text(entry)
    assert load(path, ("acme",)).models["acme-8b"].format == "acme"


@pytest.mark.parametrize("page", ["command-line.md", "tools-and-choices.md"])
def test_parse_answers_each_record_of_a_page_as_it_shows(page: str) -> None:
    shown = blocks("json", (DOCS / page).read_text())
    records = [text for text in shown if "format" in json.loads(text)]
    assert records
    for record in records:
        answer = json.loads(shown[shown.index(record) + 1])
        assert without_ids(replayed(record.encode())) == without_ids(answer)


def test_the_cases_on_the_page_about_evaluation_are_valid(tmp_path: Path) -> None:
    [lines] = blocks("json", (DOCS / "evaluating-models.md").read_text())
    names = {call["name"] for line in lines.splitlines() for call in json.loads(line)["calls"]}
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    (tmp_path / "cases.jsonl").write_text(lines)
    cases = read_cases(tmp_path / "tools.json", tmp_path / "cases.jsonl")
    assert [case.kind for case in cases] == ["weather", "search", "talk"]


@pytest.mark.parametrize(
    ("page", "example"), [("api.md", "weather.py"), ("python-functions.md", "functions.py")]
)
def test_the_code_on_a_page_is_that_of_its_example(page: str, example: str) -> None:
    [code] = blocks("python", (DOCS / page).read_text())
    assert code == _without_docstring((REPO / "examples" / example).read_text())


def _without_docstring(code: str) -> str:
    return code.split('"""\n\n', 1)[1]
