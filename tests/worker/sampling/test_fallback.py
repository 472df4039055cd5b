"""Where a grammar has several alternatives, the token that the model draws freely decides."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Fallback, Generation
from gateway.worker.generation import GenerationJob
from gateway.worker.scheduler.sequence import Sequence
from tests.worker.fake_llama import END, VOCABULARY, FakeLlama
from tests.worker.language import Language

PROMPT = [1, 2, 3]
CALL, MORE, CLOSE, TEXT, JSON, OTHER, CALL_AND_MORE = 11, 12, 13, 14, 15, 16, 17
PIECES = {CALL: "call", CALL_AND_MORE: "call,"}


class Pieces(FakeLlama):
    """A model with the text of a few tokens."""

    def piece(self, token: int) -> bytes:
        return PIECES.get(token, "").encode()

    def tokenize_continuation(self, parts: Iterable[str | int]) -> list[int]:
        token_of = {text: token for token, text in PIECES.items()}
        return [
            token
            for part in parts
            for token in ([part] if isinstance(part, int) else [token_of.get(part, OTHER)])
        ]


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
    job = GenerationJob(request, sequence, Pieces(100), Language(sentences), 50, fallback)
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


LIST = [[CALL, CLOSE], [CALL_AND_MORE, CALL, CLOSE]]


def test_a_token_of_the_mask_opens_no_further_call() -> None:
    drawn = [[OTHER, CALL_AND_MORE, CALL]]  # a list that is closed in an odd way, for example
    assert answer(LIST, drawn, endings=[[], [CLOSE]]) == ([CALL, CLOSE], "stop")


def test_a_token_that_the_model_draws_may_open_a_further_call() -> None:
    drawn = [[CALL_AND_MORE], [CALL], [CLOSE]]
    assert answer(LIST, drawn, endings=[[], [CLOSE]]) == ([CALL_AND_MORE, CALL, CLOSE], "stop")


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
