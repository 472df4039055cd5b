from __future__ import annotations

from gateway.worker.sampling.prompt_lookup import LEAST, Lookup


def test_what_came_before_is_guessed_again() -> None:
    tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]
    lookup = Lookup(tokens)
    assert lookup.guess(8) == [5, 6, 7, 8]
    tokens += [5, 6]
    assert lookup.guess(8) == [7, 8, 9, 1, 2, 3]
    assert lookup.guess(2) == [7, 8]


def test_too_little_in_common_is_no_guess() -> None:
    assert Lookup([1, 2, 3, 4, 9, 2, 3, 4]).guess(8) == []
    assert Lookup(list(range(LEAST))).guess(8) == []


def test_the_latest_place_counts() -> None:
    assert Lookup([1, 2, 3, 4, 5, 1, 2, 3, 4, 6, 1, 2, 3, 4]).guess(1) == [6]


def test_the_end_does_not_find_itself() -> None:
    assert Lookup([7] * 4).guess(3) == []
    assert Lookup([7] * 9).guess(3) == [7]
