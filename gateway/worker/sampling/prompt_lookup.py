"""Prompt lookup decoding: drafts tokens by finding the last few earlier in the same text. Pure."""

from __future__ import annotations

MIN_MATCH_TOKENS = 4  # after a shorter match most drafts are wrong


class PromptLookup:
    """Drafts what may follow `tokens`, the prompt and the answer of one sequence, as they grow.

    >>> PromptLookup([1, 2, 3, 4, 5, 6, 9, 1, 2, 3, 4]).draft(max_tokens=3)
    [5, 6, 9]
    """

    def __init__(self, tokens: list[int]):
        self._tokens = tokens
        self._indexed = 0  # number of tokens in the index
        self._next: dict[tuple[int, ...], int] = {}  # n-gram -> position after its latest match

    def draft(self, max_tokens: int) -> list[int]:
        """The draft tokens: at most as many as match before them, none without a match."""
        self._update_index()
        at = self._next.get(tuple(self._tokens[-MIN_MATCH_TOKENS:]))
        if at is None:
            return []
        return self._tokens[at : at + min(max_tokens, self._match_length(at))]

    def _update_index(self) -> None:
        """Index all n-grams but the last, which would only find itself."""
        tokens = self._tokens
        for at in range(max(self._indexed, MIN_MATCH_TOKENS), len(tokens)):
            self._next[tuple(tokens[at - MIN_MATCH_TOKENS : at])] = at
        self._indexed = len(tokens)

    def _match_length(self, at: int) -> int:
        """How many tokens before `at` equal those at the end."""
        tokens, length = self._tokens, MIN_MATCH_TOKENS
        while length < at and tokens[at - length - 1] == tokens[-length - 1]:
            length += 1
        return length
