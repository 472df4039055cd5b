"""How probable it is that an answer begins with a call, and what a threshold makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Tokens
from math import log

import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Fallback, Generation, Opening
from gateway.worker.generation import GenerationJob
from gateway.worker.interfaces import Mask
from gateway.worker.scheduler.sequence import Sequence
from tests.worker.fake_llama import END, VOCABULARY, FakeLlama
from tests.worker.language import Language

PROMPT = [1, 2, 3]
SPACE, THINK, CLOSE, THOUGHT = 4, 5, 6, 7
CALL, CALL_2, CALL_3 = 11, 12, 13  # a call begins with one token, or with two
TEXT, OTHER, OTHER_CALL = 15, 16, 17
CALLS = [CALL, CALL_2, CALL_3, THINK, THOUGHT, CLOSE]
FREE = [TEXT, OTHER, SPACE, CALL_2]  # text may contain the beginning of a call
OPENINGS = [[CALL], [CALL_2, CALL_3], [SPACE, CALL], [SPACE, CALL_2, CALL_3]]

Odds = Mapping[int, float]
Sequences = list[list[int]]


class Spaced(FakeLlama):
    """Writes white space as one of its tokens."""

    def piece(self, token: int) -> bytes:
        return b"\n" if token == SPACE else super().piece(token)


class Prose(Language):
    """Any tokens of `FREE` and, unless they are left out, calls among them."""

    def __init__(self, *, calls: bool) -> None:
        super().__init__([])
        self.allowed = {*FREE, *(CALLS if calls else ())}

    def try_accept(self, token: int) -> bool:
        return token == END or token in self.allowed

    def mask(self) -> Mask:
        return np.array([self.try_accept(token) for token in range(VOCABULARY)])

    def can_end_with(self, tokens: Tokens[int]) -> bool:
        return True

    @property
    def is_finished(self) -> bool:
        return False


def answer(
    *steps: Odds,
    threshold: float | None = None,
    thinks: bool = False,
    openings: Sequences = OPENINGS,
) -> tuple[list[int], float | None]:
    """The greedy answer, and the probability of an opening, given each step's probabilities.

    All other tokens share what is left of a step.
    """
    marks = (["5 "], ["6 "]) if thinks else ([], [])
    request = Generation(
        [*PROMPT],
        Sampling(temperature=0),
        fallback=Fallback("text"),
        opening=Opening("call", threshold, *marks),
    )
    sequence = Sequence(1, [*PROMPT])
    text = Prose(calls=False)
    opening = lambda: Language(openings)  # noqa: E731
    job = GenerationJob(request, sequence, Spaced(100), Prose(calls=True), 50, text, opening)
    found = []
    for odds in steps:
        rest = (1 - sum(odds.values())) / (VOCABULARY - len(odds))
        logits = np.array([log(odds.get(token, rest)) for token in range(VOCABULARY)], np.float32)
        deltas, _ = job.advance([logits])
        found += [delta.opening for delta in deltas if delta.opening]
        if deltas[-1].finish:
            break
    job.close()
    assert len(found) <= 1
    return sequence.tokens[len(PROMPT) :], found[0].probability if found else None


@pytest.mark.parametrize("odds", [{CALL: 0.6, CALL_2: 1e-9}, {CALL: 0.35, CALL_2: 0.25}])
def test_the_probability_is_that_of_all_tokens_that_begin_a_call(odds: Odds) -> None:
    assert answer(odds)[1] == pytest.approx(0.6)


def test_a_call_that_begins_with_two_tokens_has_the_product_of_their_probabilities() -> None:
    assert answer({CALL_2: 0.9, CALL: 0.05}, {CALL_3: 0.8})[1] == pytest.approx(0.95 * 0.8)


def test_an_answer_that_leaves_an_opening_has_the_probability_of_what_it_did_not_write() -> None:
    tokens, found = answer({CALL_2: 0.9, CALL: 0.05}, {TEXT: 0.8, CALL_3: 0.1})
    assert tokens == [CALL_2, TEXT]
    assert found == pytest.approx(0.95 * 0.1)


def test_white_space_before_the_answer_does_not_count() -> None:
    first = {SPACE: 0.9, CALL: 0.05}
    assert answer(first, {CALL: 0.7, CALL_2: 0.1})[1] == pytest.approx(0.8)
    assert answer(first, {TEXT: 0.7, CALL: 0.2, CALL_2: 1e-9})[1] == pytest.approx(0.2)


def test_thoughts_come_before_the_answer() -> None:
    thoughts: list[Odds] = [{THINK: 0.9, CALL: 0.05}, {THOUGHT: 0.9}, {CLOSE: 0.9}, {SPACE: 0.9}]
    tokens, found = answer(*thoughts, {CALL: 0.7, CALL_2: 0.1}, thinks=True)
    assert tokens[-1] == CALL
    assert found == pytest.approx(0.8)


def test_an_answer_that_ends_at_once_has_the_probability_too() -> None:
    assert answer({END: 0.9, CALL: 0.05, CALL_2: 1e-9})[1] == pytest.approx(0.05)


def test_an_answer_within_a_thought_has_no_probability() -> None:
    assert answer({THINK: 0.9}, {THOUGHT: 0.9}, thinks=True)[1] is None


@pytest.mark.parametrize("call", [[CALL], [CALL_2, CALL_3]])
def test_a_call_is_made_from_the_threshold_on(call: list[int]) -> None:
    steps = [{TEXT: 0.6, token: 0.39} for token in call]
    assert answer(*steps, threshold=0.1)[0] == call


def test_no_call_is_begun_below_the_threshold() -> None:
    steps = [{CALL: 0.6, OTHER: 0.3}, {TEXT: 0.9}, {CALL: 0.9, TEXT: 0.05}, {END: 0.9}]
    assert answer(*steps, threshold=0.95)[0] == [OTHER, TEXT, TEXT]


def test_an_opening_is_left_where_the_probability_falls_below_the_threshold() -> None:
    steps = [{CALL_2: 0.9, TEXT: 0.05}, {CALL_3: 0.5, TEXT: 0.4}, {CALL: 0.9, TEXT: 0.05}]
    assert answer(*steps, threshold=0.8)[0] == [CALL_2, TEXT, TEXT]


def test_without_a_threshold_the_draw_decides() -> None:
    assert answer({TEXT: 0.6, CALL: 0.39})[0] == [TEXT]
    assert answer({TEXT: 0.3, CALL: 0.39})[0] == [CALL]


def test_a_call_that_is_made_keeps_to_the_grammar() -> None:
    # The likeliest way to begin one is not allowed here.
    steps = [{TEXT: 0.6, OTHER_CALL: 0.25, CALL: 0.1}]
    assert answer(*steps, threshold=0.3, openings=[[CALL], [OTHER_CALL]])[0] == [CALL]
