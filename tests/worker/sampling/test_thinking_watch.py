from __future__ import annotations

import pytest

from gateway.engine.generation import Interruption
from gateway.worker.sampling.thinking_watch import ThinkingWatch


def watch(max_tokens: int = 2, *, is_open: bool = False) -> ThinkingWatch:
    return ThinkingWatch(
        Interruption(max_tokens, ["<a>", "!<a>"], ["</a>", "<call>"], ["</a>"], is_open)
    )


def due_after(watch: ThinkingWatch, *tokens: str) -> list[bool]:
    """`is_due` after each of `tokens`."""
    seen = []
    for token in tokens:
        watch.feed(token.encode())
        seen.append(watch.is_due)
    return seen


def test_a_passage_that_the_prompt_opened_counts_from_the_first_token() -> None:
    assert due_after(watch(is_open=True), "one", " two", " three") == [False, True, True]


def test_a_budget_of_zero_is_due_at_once() -> None:
    assert watch(0, is_open=True).is_due
    assert not watch(0).is_due


@pytest.mark.parametrize("opening", [["<a>"], ["<", "a", ">"], ["\n", "<a", ">"], ["!", "<a>"]])
def test_a_passage_that_the_model_opens_counts_from_its_mark(opening: list[str]) -> None:
    *before, first, second = due_after(watch(), *opening, "one", " two")
    assert (any(before), first, second) == (False, False, True)


@pytest.mark.parametrize(
    "tokens", [["Hi"], ["Hi", "<a>"], ["<", "b"], ["<a", " href"], ["\n", "."]]
)
def test_an_answer_that_opens_no_passage_is_never_interrupted(tokens: list[str]) -> None:
    assert not any(due_after(watch(0), *tokens, "<a>", "one", " two", " three"))


@pytest.mark.parametrize("close", ["</a>", "<call>", ".</a> So"])
def test_a_passage_that_the_model_closes_in_time_is_never_interrupted(close: str) -> None:
    assert not any(due_after(watch(is_open=True), "one", close, "1", "2", "3"))


def test_a_second_passage_has_the_rest_of_the_budget() -> None:
    tokens = ["one", "</a>", "\n", "<a>", "two", " three"]
    assert due_after(watch(2, is_open=True), *tokens) == [False] * 4 + [True, True]


def test_a_closing_mark_may_be_completed() -> None:
    assert due_after(watch(is_open=True), "one", "<", "/a", ">", "So") == [False] * 5


def test_text_that_turns_out_not_to_be_a_mark_is_interrupted() -> None:
    assert due_after(watch(is_open=True), "a", " <", " b") == [False, False, True]


def test_text_that_might_always_be_a_mark_is_interrupted_after_its_length() -> None:
    seen = due_after(watch(is_open=True), *"<" * 20)
    assert seen == [False] * 7 + [True] * 13


def test_a_mark_is_found_wherever_tokens_cut_it() -> None:
    for cut in range(1, 4):
        assert not any(due_after(watch(9, is_open=True), "</a>"[:cut], "</a>"[cut:], *"x" * 20))
