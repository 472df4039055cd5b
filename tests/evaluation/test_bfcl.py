"""The Berkeley Function Calling Leaderboard, with entries of our own in its shape."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.bfcl.checker import load_checker
from gateway.evaluation.bfcl.suite import CATEGORIES, Entry, bfcl, suite
from gateway.evaluation.bfcl.tools import to_tool
from gateway.evaluation.case import Case
from gateway.evaluation.run import Suite
from gateway.evaluation.score import Cause
from tests.evaluation.samples import made

AREA = {
    "name": "geometry.area",
    "description": "The area of a rectangle.",
    "parameters": {
        "type": "dict",
        "properties": {
            "a": {"type": "float", "description": "One side."},
            "b": {"type": "integer"},
            "unit": {"type": "any"},
        },
        "required": ["a", "b"],
    },
}
RIGHT = ("geometry_area", {"a": 2.5, "b": 4})
LINES = {
    "multiple": [({"geometry.area": {"a": [2.5], "b": [4], "unit": ["", "cm"]}})],
    "parallel": [{"geometry.area": {"a": [1]}}, {"geometry.area": {"a": [2]}}],
}


def write(folder: Path, category: str) -> None:
    """A category with one entry."""
    question = [[{"role": "user", "content": "How large is it?"}]]
    line = {"id": f"{category}_0", "question": question, "function": [AREA]}
    (folder / f"BFCL_v4_{category}.json").write_text(json.dumps(line) + "\n")
    if category in LINES:
        (folder / "possible_answer").mkdir(exist_ok=True)
        truth = {"id": f"{category}_0", "ground_truth": LINES[category]}
        path = folder / "possible_answer" / f"BFCL_v4_{category}.json"
        path.write_text(json.dumps(truth) + "\n")


@pytest.fixture
def sample(tmp_path: Path) -> Suite:
    """Entries of four categories; the checker compares with the first accepted values."""
    categories = ("multiple", "parallel", "irrelevance", "live_relevance")
    for category in categories:
        write(tmp_path, category)

    def check(entry: Entry, calls: Sequence[dict[str, Any]]) -> str:
        for accepted, call in zip(entry.accepted, calls, strict=True):
            [values], [made] = accepted.values(), call.values()
            if any(made[name] not in values[name] for name in made):
                return "value_error:others"
        return ""

    return suite(tmp_path, categories, check)


def test_an_entry_is_a_case_with_converted_tools(sample: Suite) -> None:
    case = sample.cases[0]
    assert (case.id, case.kind, case.choice) == ("multiple_0", "multiple", "auto")
    assert case.messages == [{"role": "user", "content": "How large is it?"}]
    assert [tool["function"]["name"] for tool in case.tools] == ["geometry_area"]
    assert [call.name for call in case.calls] == ["geometry_area"]
    assert not sample.streams


def test_types_are_those_of_json_schema() -> None:
    function = to_tool(AREA, "multiple")["function"]
    assert function["description"].endswith(
        " Note that the provided function is in Python 3 syntax."
    )
    assert function["parameters"] == {
        "type": "object",
        "properties": {
            "a": {
                "type": "number",
                "format": "float",
                "description": "One side. This is a float type value.",
            },
            "b": {"type": "integer"},
            "unit": {"type": "string"},
        },
        "required": ["a", "b"],
    }


def parameter(schema: dict[str, Any], category: str) -> dict[str, Any]:
    """The schema that a parameter is converted to."""
    function = {**AREA, "parameters": {"type": "dict", "properties": {"x": schema}}}
    found: dict[str, Any] = to_tool(function, category)["function"]["parameters"]["properties"]["x"]
    return found


@pytest.mark.parametrize(
    ("schema", "converted"),
    [
        (
            {"type": "tuple", "items": {"type": "float"}},
            {"type": "array", "items": {"type": "number"}},
        ),
        (
            {"type": "array", "items": {"type": "dict", "properties": {"y": {"type": "float"}}}},
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "y": {
                            "type": "number",
                            "format": "float",
                            "description": " This is a float type value.",
                        }
                    },
                },
            },
        ),
        ({"description": "no type"}, {"description": "no type", "type": "string"}),
    ],
)
def test_nested_types_are_converted(schema: dict[str, Any], converted: dict[str, Any]) -> None:
    assert parameter(schema, "simple_python") == converted


@pytest.mark.parametrize(
    ("category", "schema", "description"),
    [
        (
            "simple_java",
            {"type": "any"},
            " This parameter can be of any type of Java object in string representation.",
        ),
        (
            "simple_java",
            {"type": "ArrayList", "items": {"type": "long"}},
            " This is Java ArrayList type parameter in string representation. The list elements"
            " are of type long; they are not in string representation.",
        ),
        (
            "simple_javascript",
            {"type": "dict", "properties": {"y": {"type": "integer"}}},
            " This is JavaScript dict type parameter in string representation. The dictionary"
            " entries have the following schema; they are not in string representation."
            ' {"y": {"type": "integer"}}',
        ),
    ],
)
def test_parameters_of_java_and_javascript_are_strings_in_their_syntax(
    category: str, schema: dict[str, Any], description: str
) -> None:
    found = parameter({**schema, "description": "It."}, category)
    assert found == {"type": "string", "description": "It." + description}


@pytest.mark.parametrize(
    ("category", "answer", "causes"),
    [
        ("multiple", made(RIGHT), ()),
        ("multiple", made(("geometry_area", {"a": 9})), ("value_error:others",)),
        ("multiple", Answer("Ten."), (Cause.NO_CALL,)),
        ("multiple", Answer('{"name": "geometry_area"}'), (Cause.UNREADABLE,)),
        ("multiple", Answer(error="timed out"), (Cause.NO_ANSWER,)),
        ("multiple", Answer(calls=(Call("geometry_area", "{"),)), (Cause.UNREADABLE,)),
        ("multiple", made(RIGHT, RIGHT), (Cause.TOO_MANY, Cause.REPEATED)),
        ("parallel", made(("geometry_area", {"a": 1})), (Cause.TOO_FEW,)),
        ("parallel", made(("geometry_area", {"a": 1}), ("geometry_area", {"a": 2})), ()),
        ("irrelevance", Answer("I can't."), ()),
        ("irrelevance", made(RIGHT), (Cause.NOT_DUE,)),
        ("live_relevance", Answer("I can't."), (Cause.NO_CALL,)),
        ("live_relevance", made(RIGHT), ()),
    ],
)
def test_answers_are_scored_by_the_checker_and_by_their_number_of_calls(
    sample: Suite, category: str, answer: Answer, causes: tuple[str, ...]
) -> None:
    [case] = [case for case in sample.cases if case.kind == category]
    assert sample.score(case, answer) == causes


def test_a_broken_file_and_an_unknown_category_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*BFCL_v4_multiple\.json"):
        suite(tmp_path, ["multiple"], lambda entry, calls: "")
    with pytest.raises(ConfigError, match="no category 'multi_turn'; there are simple_python"):
        bfcl(["multi_turn"])
    assert len(CATEGORIES) == 13


def test_without_the_package_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.evaluation.bfcl.suite.PACKAGE", "bfcl_eval_that_is_missing")
    with pytest.raises(ConfigError, match="pip install --no-deps bfcl-eval=="):
        bfcl([])


# A package with the modules that the checker consists of.
PACKAGE = {
    "constants/model_config.py": "raise ImportError('imports the clients of all models')",
    "constants/enums.py": """
from enum import Enum
class Language(Enum):
    PYTHON, JAVA, JAVASCRIPT = "python", "java", "javascript"
""",
    "eval_checker/ast_eval/ast_checker.py": """
from bfcl_eval.constants.model_config import MODEL_CONFIG_MAPPING
def ast_checker(functions, calls, accepted, language, category, model):
    if calls == ["fail"]:
        raise TypeError
    has_underscores = MODEL_CONFIG_MAPPING[model].underscore_to_dot
    error_type = f"{language.name} {category} {has_underscores}"
    return {"valid": calls == accepted, "error_type": error_type}
""",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in PACKAGE.items():
        path = tmp_path / "bfcl_eval" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    loaded = {name: module for name, module in sys.modules.items() if name.startswith("bfcl_eval")}
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.startswith("bfcl_eval")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("package")
def test_the_checker_is_called_without_the_clients_of_all_models() -> None:
    check = load_checker()
    accepted: list[dict[str, Any]] = [{"f": {}}]
    entry = Entry("simple_java", [AREA], accepted)
    assert check(entry, accepted) == ""
    assert check(entry, []) == "JAVA simple_java True"
    failing: Any = ["fail"]
    assert check(entry, failing) == "checker failed: TypeError"


def test_cases_of_a_category_have_ids_of_their_own(sample: Suite) -> None:
    found: list[Case] = list(sample.cases)
    assert len({case.id for case in found}) == len(found) == 4
