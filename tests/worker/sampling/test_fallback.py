"""Where a grammar has several alternatives, the token that the model draws freely decides."""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Fallback, Generation
from gateway.worker.generation import GenerationJob
from gateway.worker.interfaces import GrammarMatcher, Mask
from gateway.worker.scheduler.sequence import Sequence
from tests.worker.fake_llama import END, VOCABULARY, FakeLlama

PROMPT = [1, 2, 3]
CALL, MORE, CLOSE, TEXT, JSON, OTHER = 11, 12, 13, 14, 15, 16


@dataclass
class Language(GrammarMatcher):
    """Allows the prefixes of `sentences`; nothing is forced."""

    sentences: list[list[int]]
    accepted: list[int] = field(default_factory=list)

    def _follows(self, tokens: Tokens[int]) -> bool:
        start = [*self.accepted, *tokens]
        return any(one[: len(start)] == start for one in self.sentences)

    def try_accept(self, token: int) -> bool:
        if token == END:
            return self.accepted in self.sentences
        if not self._follows([token]):
            return False
        self.accepted.append(token)
        return True

    def can_accept(self, tokens: Tokens[int]) -> bool:
        return self._follows(tokens)

    def can_end_with(self, tokens: Tokens[int]) -> bool:
        return [*self.accepted, *tokens] in self.sentences

    def mask(self) -> Mask:
        mask = np.array([self._follows([token]) for token in range(VOCABULARY)])
        mask[END] = self.accepted in self.sentences
        return mask

    def accept_forced(self) -> list[int]:
        return []

    @property
    def is_finished(self) -> bool:
        longer = any(len(one) > len(self.accepted) for one in self.sentences)
        return self.accepted in self.sentences and not (longer and self._goes_on())

    def _goes_on(self) -> bool:
        return any(
            len(one) > len(self.accepted) and one[: len(self.accepted)] == self.accepted
            for one in self.sentences
        )


def answer(
    sentences: list[list[int]],
    preferred: list[list[int]],
    *,
    text: list[list[int]] | None = None,
    endings: list[list[str | int]] | None = None,
) -> tuple[list[int], str | None]:
    """The tokens and the finish of an answer.

    At each step the model's logits fall in the order of that step's `preferred` tokens.
    """
    request = Generation(
        list(PROMPT), Sampling(temperature=0), fallback=Fallback(None, endings or [])
    )
    sequence = Sequence(1, list(PROMPT))
    fallback = Language(text) if text else None
    job = GenerationJob(request, sequence, FakeLlama(100), Language(sentences), 50, fallback)
    finish = None
    for order in preferred:
        logits = np.zeros(VOCABULARY, np.float32)
        logits[order] = range(20, 20 - len(order), -1)
        deltas, _ = job.advance([logits])
        finish = deltas[-1].finish
        if finish:
            break
    job.close()
    return sequence.tokens[len(PROMPT) :], finish


CALLS = [[CALL], [CALL, MORE, CALL]]


def test_an_answer_ends_if_the_model_draws_neither_another_call_nor_the_end() -> None:
    drawn = [[CALL], [OTHER, MORE, END]]  # a mask would choose another call
    assert answer(CALLS, drawn, endings=[[]]) == ([CALL], "stop")


def test_another_call_follows_if_the_model_draws_it() -> None:
    assert answer(CALLS, [[CALL], [MORE], [CALL]], endings=[[]]) == ([CALL, MORE, CALL], "stop")


def test_a_section_of_calls_is_closed_if_the_model_draws_no_further_call() -> None:
    sentences = [[CALL, CLOSE], [CALL, MORE, CALL, CLOSE]]
    drawn = [[CALL], [OTHER, MORE, CLOSE]]
    assert answer(sentences, drawn, endings=[[], [CLOSE]]) == ([CALL, CLOSE], "stop")


def test_the_first_call_is_required_whatever_the_model_draws() -> None:
    assert answer(CALLS, [[OTHER, TEXT, CALL], [END]], endings=[[]]) == ([CALL], "stop")


@pytest.mark.parametrize(("drawn", "first"), [(OTHER, JSON), (CALL, CALL), (JSON, JSON)])
def test_an_answer_without_calls_follows_if_the_model_draws_no_call(drawn: int, first: int) -> None:
    sentences = [[CALL], [JSON]]
    order = list(dict.fromkeys([drawn, CALL, JSON]))
    tokens, _ = answer(sentences, [order, [END]], text=[[JSON]], endings=[[]])
    assert tokens == [first]


def test_text_goes_on_if_the_model_draws_a_token_that_text_does_not_have() -> None:
    sentences = [[TEXT], [TEXT, TEXT], [TEXT, CALL]]
    drawn = [[TEXT], [OTHER, CALL, TEXT], [END]]
    tokens, _ = answer(sentences, drawn, text=[[TEXT], [TEXT, TEXT]], endings=[[]])
    assert tokens == [TEXT, TEXT]
