"""The matcher of a second grammar, which follows an answer only when it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.worker.interfaces import GrammarMatcher


class FallbackMatcher:
    """Catches up with the tokens of an answer on demand, so that it costs nothing otherwise."""

    def __init__(self, matcher: GrammarMatcher):
        self._matcher: GrammarMatcher | None = matcher
        self._accepted = 0

    def at(self, tokens: Sequence[int]) -> GrammarMatcher | None:
        """Returns the matcher after all `tokens` of the answer; None if they don't fit."""
        for token in tokens[self._accepted :]:
            if self._matcher is None or not self._matcher.try_accept(token):
                self._matcher = None
                return None
            self._accepted += 1
        return self._matcher
