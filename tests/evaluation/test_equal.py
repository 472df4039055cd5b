"""Equality of values, and values stated in a text."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json
from gateway.evaluation.equal import alike, mentions, same, states


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2, 2.0),
        ({"a": [1, {"b": None}], "c": "x"}, {"c": "x", "a": [1.0, {"b": None}]}),
        (True, True),
    ],
)
def test_values_that_are_equal_as_json_are_the_same(one: Json, other: Json) -> None:
    assert same(one, other)
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (2, "2"), ([1, 2], [2, 1]), ({"a": 1}, {}), ("", None)],
)
def test_values_of_different_types_or_orders_are_not_the_same(one: Json, other: Json) -> None:
    assert not same(one, other)
    assert not alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Oban", "oban"), ("a  b", " a b"), ("Go on.", "Go on")]
)
def test_alike_ignores_case_white_space_and_final_punctuation(one: str, other: str) -> None:
    assert not same([one], [other])
    assert alike([one], [other])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("There is room for 1,250 cars.", "1250"),
        ("It costs $1,234,567.50.", "1234567.50"),
        ("That is 14°C, so 14.", "14"),
        ("It weighs 3kg", "3"),
        ("It is -3 outside", "-3"),
        ("Rooms 10-12 are free", "12"),
        ("In Bergen, today.", "Bergen"),
        ("It is C++.", "C++"),
        ("It leaves at 17:05.", "17:05"),
        ("You have 12, 345 and 6.", "345"),
    ],
)
def test_a_text_states_a_whole_word_or_number(text: str, value: str) -> None:
    assert states(text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("There are 125 cars.", "12"),
        ("There are 12.5 of them.", "12"),
        ("There are 1,250.", "250"),
        ("It is -3 outside", "3"),
        ("I know.", "no"),
        ("in bergen", "Bergen"),
    ],
)
def test_a_part_of_a_word_or_number_is_not_stated(text: str, value: str) -> None:
    assert not states(text, value)


def test_mentions_ignores_case() -> None:
    assert mentions("Sunny  and warm", "sunny and warm")
    assert not states("Sunny and warm", "sunny and warm")
