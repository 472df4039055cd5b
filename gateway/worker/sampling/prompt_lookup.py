"""Guesses at how a text goes on: as it did where its last tokens stood before."""

from __future__ import annotations

LEAST = 4  # tokens that must stand before a guess; where fewer agree, most guesses are wrong


class Lookup:
    """Follows one sequence's tokens, prompt and answer.

    >>> Lookup([1, 2, 3, 4, 5, 6, 9, 1, 2, 3, 4]).guess(most=3)
    [5, 6, 9]
    """

    def __init__(self, tokens: list[int]):
        self._tokens = tokens
        self._known = 0  # how many tokens have been looked at
        self._follows: dict[tuple[int, ...], int] = {}  # the last tokens -> where they went on

    def guess(self, most: int) -> list[int]:
        """The next tokens, no more than agree already before them; none if that is too few."""
        self._catch_up()
        at = self._follows.get(tuple(self._tokens[-LEAST:]))
        if at is None:
            return []
        return self._tokens[at : at + min(most, self._agreeing(at))]

    def _catch_up(self) -> None:
        """Learn all but the end, which would only find itself."""
        tokens = self._tokens
        for at in range(max(self._known, LEAST), len(tokens)):
            self._follows[tuple(tokens[at - LEAST : at])] = at
        self._known = len(tokens)

    def _agreeing(self, at: int) -> int:
        """How many tokens before `at` are those before the end."""
        tokens, length = self._tokens, LEAST
        while length < at and tokens[at - length - 1] == tokens[-length - 1]:
            length += 1
        return length
