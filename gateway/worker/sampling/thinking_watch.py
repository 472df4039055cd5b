"""Enforces the thinking budget: says when a passage of the answer has to be interrupted. Pure."""

from __future__ import annotations

from gateway.engine.generation import Interruption
from gateway.worker.sampling.passages import Passages


class ThinkingWatch:
    """Follows one answer, token by token, through the passages of an `Interruption`.

    A model that has started to write a closing mark may complete it, within the length of the
    longest mark.
    """

    def __init__(self, interruption: Interruption):
        marks = interruption.opens, interruption.closes
        self._passages = Passages(*marks, is_open=interruption.is_open)
        self._left = interruption.max_tokens

    def feed(self, token: bytes) -> None:
        """Add the bytes of one token."""
        was_open = self._passages.is_open
        self._passages.feed(token)
        if was_open and self._passages.is_open:
            self._left -= 1

    @property
    def is_due(self) -> bool:
        """Whether to interrupt now."""
        passages = self._passages
        if not passages.is_open or self._left > 0:
            return False
        return not passages.ends_within_mark or self._left <= -passages.max_close_length
