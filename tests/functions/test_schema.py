"""`schema` returns what `get_json_schema` of transformers returns."""

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


def test_every_function_is_recorded() -> None:
    assert RECORD["transformers"]
    assert set(MADE) == set(SHAPES)


@pytest.mark.parametrize("name", TOOLS)
def test_the_schema_is_equal_to_that_of_transformers(name: str) -> None:
    assert schema(SHAPES[name]) == TOOLS[name]


@pytest.mark.parametrize("name", TOOLS)
def test_parameters_are_in_the_order_of_the_signature(name: str) -> None:
    function: Any = schema(SHAPES[name])["function"]
    names = [key for key in inspect.signature(SHAPES[name]).parameters if key != "self"]
    assert [*function["parameters"]["properties"]] == names


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_that_transformers_refuses_is_refused_for_the_same_reason(name: str) -> None:
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
    ("function", "message"),
    [
        (any_number, "any_number: a tool call cannot pass 'numbers'"),
        (any_name, "any_name: a tool call cannot pass 'named'"),
        (choices_of_an_object, "'a': the choices are not a JSON array"),
        (unresolved, "cannot resolve a type hint: name 'Nowhere' is not defined"),
        (functools.partial(one_line, "Paris"), "has no name; wrap it in a function"),
        (SHAPES["no_hint"], "no_hint: 'a' has no type hint"),
        (SHAPES["no_docstring"], "no_docstring has no docstring"),
        (SHAPES["no_arguments_section"], "the docstring does not describe 'a' under `Args:`"),
        (SHAPES["a_tuple_of_one"], r"'a': tuple\[int\]: a tuple needs two or more types"),
    ],
)
def test_the_error_names_the_cause(function: Shape, message: str) -> None:
    with pytest.raises(FunctionError, match=message):
        schema(function)
