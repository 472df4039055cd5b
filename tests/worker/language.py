"""A fake grammar matcher for a list of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gateway.worker.interfaces import GrammarMatcher, Mask
from tests.worker.fake_llama import END, VOCABULARY


@dataclass
class Language(GrammarMatcher):
    """Allows the prefixes of `sentences`; nothing is forced."""

    sentences: list[list[int]]
    accepted: list[int] = field(default_factory=list)
    failure: str = ""

    def _follows(self, tokens: Sequence[int]) -> bool:
        start = [*self.accepted, *tokens]
        return any(one[: len(start)] == start for one in self.sentences)

    def try_accept(self, token: int) -> bool:
        if token == END:
            return self.accepted in self.sentences
        if not self._follows([token]):
            return False
        self.accepted.append(token)
        return True

    def can_accept(self, tokens: Sequence[int]) -> bool:
        return self._follows(tokens)

    def can_end_with(self, tokens: Sequence[int]) -> bool:
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
