"""Invented values have the form of the values that they replace."""

from __future__ import annotations

import re
from random import Random

import pytest

from training.data.coining import coined
from training.data.reading import read_values
from training.data.values import Choice, Listed

WORDS = ("lantern", "harbour")
NAME = r"[A-Z][^\W\d_]+"


def drawn(text: str, seeds: int = 60) -> set[str]:
    return {coined(text, WORDS, Random(seed)) for seed in range(seeds)}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("BA117", r"[A-Z]{2}[1-9]\d\d"),
        ("VU-3917", r"[A-Z]{2}-[1-9]\d{3}"),
        ("555-0101", r"[1-9]\d\d-[1-9]\d{3}"),
        ("Maria Lopez", f"{NAME} {NAME}"),
        ("48 High Street", rf"[1-9]\d {NAME} {NAME}"),
        ("Kate O'Brien", f"{NAME} O'Brien"),
        ("lentil soup", r"(lentil|lantern|harbour) (soup|lantern|harbour)( \W)?"),
        ("invoice_april.pdf", r"[a-z]+_[a-z]+\.pdf"),
        ("anna.berg@mail.example", r"[a-z]+\.[a-z]+@[a-z]+\.example"),
        ("https://example.org/jobs/418", r"https://example\.org/[a-z]+/[1-9]\d\d"),
        ("CaCO3", "CaCO[1-9]"),
    ],
)
def test_a_value_keeps_its_shape(text: str, shape: str) -> None:
    found = drawn(text)
    assert all(re.fullmatch(shape, one) for one in found), found
    assert len(found) > 5


@pytest.mark.parametrize("text", ["quarter past nine", "next Friday", "2025-11-04", "USD"])
def test_a_value_of_a_small_set_stays(text: str) -> None:
    assert drawn(text) == {text}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("the 14th", r"the (\d+)(?:st|nd|rd|th)"),
        ("March 3", r"March (\d+)"),
        ("2 July", r"(\d+) July"),
    ],
)
def test_a_day_is_at_most_the_28th(text: str, shape: str) -> None:
    days = {match[1] for one in drawn(text, 400) if (match := re.fullmatch(shape, one))}
    assert days == {str(day) for day in range(1, 29)}


def test_ordinals_have_the_right_suffix() -> None:
    assert drawn("the 1st", 400) >= {"the 1st", "the 2nd", "the 3rd", "the 11th", "the 22nd"}


def test_a_value_with_a_separate_wording_is_never_invented() -> None:
    values = read_values(["Anna", ["Heathrow", "LHR"]], {})
    assert isinstance(values, Listed)
    random = Random(1)
    coining = Listed(values.ways, WORDS)
    found = {coining.draw(random) for _ in range(200)}
    assert {one for one in found if one.value == "LHR"} == {Choice("Heathrow", "LHR")}
    assert all(one.wording == one.value for one in found if one.copied)
    assert len(found) > 20
    assert {values.draw(random).wording for _ in range(50)} == {"Anna", "Heathrow"}


def test_a_value_has_no_article() -> None:
    said = ["a desk lamp", "the Lake Inn", "The Hobbit", "the train is late again"]
    values = read_values([*said], {})
    assert isinstance(values, Listed)
    assert [way.value for (way,) in values.ways] == [
        *("desk lamp", "Lake Inn", "The Hobbit", "the train is late again")
    ]
