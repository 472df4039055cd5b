"""Weighs how probable it is that an answer begins in a given way, such as with a call. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gateway.engine.generation import Opening
from gateway.worker.interfaces import GrammarMatcher, Logits, Mask
from gateway.worker.sampling.passages import Passages


class OpeningWatch:
    """Follows one answer up to the token that decides whether it begins as an `Opening` describes.

    Call `weigh` before each token and `record` after it. `probability` is that of the opening, as
    far as it is known: None before the answer has come to its start. `is_decided` says that it is
    final, `has_begun` that the answer begins so. `matcher` returns a matcher at the start of the
    opening's grammar, `piece` the bytes of a token.
    """

    def __init__(
        self,
        opening: Opening,
        matcher: Callable[[], GrammarMatcher],
        piece: Callable[[int], bytes],
    ):
        self.probability: float | None = None
        self.is_decided = self.has_begun = False
        self.threshold = opening.threshold
        self._passages = Passages(opening.opens, opening.closes, is_open=opening.is_open)
        self._new_matcher = matcher
        self._piece = piece
        self._matcher = matcher()
        self._is_started = False  # a token of the opening has come that is not white space
        self._so_far = 1.0  # the probability of the tokens of the opening that have come

    def weigh(self, logits: Logits) -> None:
        """Multiply the probability by that of the tokens that begin or continue the opening."""
        if self._passages.is_open:
            return
        self._next = self._matcher.mask()
        if not self._is_started:
            for token in np.flatnonzero(self._next):
                self._next[token] = not self._piece(int(token)).isspace()
        self.probability = self._so_far * _mass(logits, self._next)

    def mask_for(self, token: int) -> Mask | None:
        """The tokens of which the next must be one if the threshold forbids the drawn `token`."""
        if self.threshold is None or self.probability is None or self._passages.is_open:
            return None
        begins = self.probability >= self.threshold
        if bool(self._next[token]) == begins or not self._next.any():
            return None
        return self._next if begins else ~self._next

    def record(self, token: int) -> None:
        """Follow the answer to its next token, which may be an end token."""
        piece = self._piece(token)
        self._passages.feed(piece)
        if self._passages.is_open:
            self._restart()
        elif self._matcher.try_accept(token):
            if self._is_started or not piece.isspace():
                assert self.probability is not None
                self._is_started, self._so_far = True, self.probability
            self.has_begun = self.is_decided = self._matcher.can_end_with([])
        elif not self._passages.is_over:
            self._restart()  # a passage may begin here
        else:
            self.is_decided = True

    def _restart(self) -> None:
        self._matcher = self._new_matcher()
        self._is_started, self._so_far, self.probability = False, 1.0, None


def _mass(logits: Logits, mask: Mask) -> float:
    """The probability of all tokens in `mask` together."""
    weights = np.exp(logits - logits.max())
    return float(weights[mask].sum() / weights.sum())
