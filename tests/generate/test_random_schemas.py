"""No random schema is refused, nothing is silently invalid, and nearly all of each is enforced."""

from __future__ import annotations

import random

import pytest
from jsonschema_rs import Draft202012Validator

from gateway.formats.format import Format
from tests.depth import pick
from tests.generate.keywords import KEYWORDS
from tests.generate.random_schemas import Draws
from tests.generate.written import FORMATS, Outcome, is_good, outcomes, worst

# No grammar expresses these.
REPORTED = {
    *("uniqueItems", "contains", "propertyNames", "dependentRequired", "dependentSchemas"),
    *("not", "if, then, else"),
}


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_what_a_random_model_writes_is_valid_or_has_a_note(format: Format) -> None:
    start = pick(fast=0, deep=random.randrange(2**30))
    found = outcomes(format, pick(fast=20, deep=1000), start)
    assert is_good(found), (start, found)


@pytest.mark.diagonal("format", "keyword")
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_keyword_is_held_or_reported(format: Format, keyword: str) -> None:
    found = worst(format, KEYWORDS[keyword])
    assert found in (Outcome.HELD, Outcome.REPORTED)
    if format.name == "hermes":
        assert found is (Outcome.REPORTED if keyword in REPORTED else Outcome.HELD)


def test_random_schemas_are_satisfiable() -> None:
    for seed in range(500):
        schema, value = Draws(seed).parameters()
        validator = Draft202012Validator(schema, validate_formats=True, offline=True)
        assert validator.is_valid(value), (seed, schema, value)
