"""A function is the tool that transformers' `get_json_schema` makes of it."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.functions import DocstringError, FunctionError, HintError, schema
from tests.functions.shapes import SHAPES, Shape, one_line

RECORD = json.loads((Path(__file__).parent / "transformers.json").read_text())
MADE: dict[str, Any] = RECORD["shapes"]
TOOLS = {name: made["schema"] for name, made in MADE.items() if "schema" in made}
REFUSED = {name: made["error"] for name, made in MADE.items() if "error" in made}

KINDS = {
    "TypeHintParsingException": HintError,
    "DocstringParsingException": DocstringError,
    "JSONDecodeError": DocstringError,
}


def test_every_shape_is_recorded() -> None:
    assert RECORD["transformers"]
    assert set(MADE) == set(SHAPES)


@pytest.mark.parametrize("name", TOOLS)
def test_a_function_is_the_same_tool_as_with_transformers(name: str) -> None:
    assert schema(SHAPES[name]) == TOOLS[name]


@pytest.mark.parametrize("name", TOOLS)
def test_its_parameters_come_as_in_its_signature(name: str) -> None:
    function: Any = schema(SHAPES[name])["function"]
    written = [key for key in inspect.signature(SHAPES[name]).parameters if key != "self"]
    assert [*function["parameters"]["properties"]] == written


@pytest.mark.parametrize("name", REFUSED)
def test_what_transformers_refuses_is_refused_for_the_same_reason(name: str) -> None:
    with pytest.raises(KINDS[REFUSED[name]]):
        schema(SHAPES[name])


def any_number(*numbers: int) -> None:
    """Add them up.

    Args:
        numbers: The numbers
    """


def any_name(**named: int) -> None:
    """Add them up.

    Args:
        named: The numbers
    """


def choices_of_an_object(a: str) -> None:
    """Choose.

    Args:
        a: A word (choices: {"x": 1})
    """


def unresolved(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Take something.

    Args:
        a: Something
    """


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (any_number, "any_number: a model can't name what is in 'numbers'"),
        (any_name, "any_name: a model can't name what is in 'named'"),
        (choices_of_an_object, "'a': the choices are not a JSON array"),
        (unresolved, "a type hint can't be resolved: name 'Nowhere' is not defined"),
        (functools.partial(one_line, "Paris"), "has no name; define a function that calls it"),
        (SHAPES["no_hint"], "no_hint: 'a' has no type hint"),
        (SHAPES["no_docstring"], "no_docstring has no docstring"),
        (SHAPES["no_arguments_section"], "the docstring says nothing of 'a' under `Args:`"),
        (SHAPES["a_tuple_of_one"], r"'a': tuple\[int\]: a tuple is of two values or more"),
    ],
)
def test_a_refusal_says_what_is_wrong(function: Shape, told: str) -> None:
    with pytest.raises(FunctionError, match=told):
        schema(function)
