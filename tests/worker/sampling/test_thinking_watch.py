from __future__ import annotations

import pytest

from gateway.engine.generation import Interruption
from gateway.worker.sampling.thinking_watch import ThinkingWatch


def watch(most: int = 2, *, is_open: bool = False) -> ThinkingWatch:
    return ThinkingWatch(Interruption(most, ["<a>", "!<a>"], ["</a>", "<call>"], ["</a>"], is_open))


def due_after(watch: ThinkingWatch, *tokens: str) -> list[bool]:
    """Whether it is time to interrupt, after each of `tokens`."""
    seen = []
    for token in tokens:
        watch.feed(token.encode())
        seen.append(watch.is_due)
    return seen


def test_a_passage_that_the_prompt_opened_counts_from_the_start() -> None:
    assert due_after(watch(is_open=True), "one", " two", " three") == [False, True, True]


def test_with_nothing_to_spend_it_is_time_at_once() -> None:
    assert watch(0, is_open=True).is_due
    assert not watch(0).is_due


@pytest.mark.parametrize("opening", [["<a>"], ["<", "a", ">"], ["\n", "<a", ">"], ["!", "<a>"]])
def test_a_passage_that_the_model_opens_counts_from_there(opening: list[str]) -> None:
    *before, first, second = due_after(watch(), *opening, "one", " two")
    assert (any(before), first, second) == (False, False, True)


@pytest.mark.parametrize("said", [["Hi"], ["Hi", "<a>"], ["<", "b"], ["<a", " href"], ["\n", "."]])
def test_an_answer_that_begins_otherwise_is_left_alone(said: list[str]) -> None:
    assert not any(due_after(watch(0), *said, "<a>", "one", " two", " three"))


@pytest.mark.parametrize("close", ["</a>", "<call>", ".</a> So"])
def test_a_passage_that_the_model_ends_is_left_alone(close: str) -> None:
    assert not any(due_after(watch(is_open=True), "one", close, "1", "2", "3"))


def test_another_passage_has_what_the_first_has_left() -> None:
    said = ["one", "</a>", "\n", "<a>", "two", " three"]
    assert due_after(watch(2, is_open=True), *said) == [False] * 4 + [True, True]


def test_a_mark_that_is_begun_may_be_ended() -> None:
    assert due_after(watch(is_open=True), "one", "<", "/a", ">", "So") == [False] * 5


def test_what_turns_out_to_be_no_mark_is_interrupted() -> None:
    assert due_after(watch(is_open=True), "a", " <", " b") == [False, False, True]


def test_what_may_always_be_a_mark_is_interrupted_in_the_end() -> None:
    seen = due_after(watch(is_open=True), *"<" * 20)
    assert seen == [False] * 7 + [True] * 13


def test_a_mark_is_found_however_it_is_cut() -> None:
    for cut in range(1, 4):
        assert not any(due_after(watch(9, is_open=True), "</a>"[:cut], "</a>"[cut:], *"x" * 20))
