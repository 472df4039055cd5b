"""Reads arguments from text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.parsing.buffer import Buffer
from gateway.parsing.moves import Pieces, available
from tests.depth import pick

LONG = pick(fast=20_000, deep=200_000)  # repetitions of a text of five characters or more


def read_all(arguments: Pieces, buffer: Buffer, pieces: Iterable[str]) -> tuple[str, str]:
    """The JSON of the arguments that `pieces` contain, and the text that follows them."""
    read, is_all = "", False
    for piece in pieces:
        buffer.add(piece)
        if not is_all:
            json_text, is_all = available(arguments)
            read += json_text
    assert is_all
    return read, buffer.ahead


def assert_looked_at_once(arguments: Pieces, buffer: Buffer, text: str, *, growth: int) -> None:
    """Reads long `text` in pieces of 8 characters: text that was consumed is never ahead again.

    A character becomes at most `growth` characters of JSON.
    """
    read, looked, is_all = 0, 0, False
    for start in range(0, len(text), 8):
        buffer.add(text[start : start + 8])
        before = len(buffer.ahead)
        looked += before
        json_text, is_all = available(arguments)
        assert len(json_text) <= growth * (before - len(buffer.ahead)) + 16
        read += len(json_text)
    assert is_all
    assert read > 5 * LONG
    assert looked < 3 * len(text)
