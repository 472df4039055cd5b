"""Turns the bytes of tokens into text. Pure."""

from __future__ import annotations

import codecs


class Detokenizer:
    """Decodes UTF-8 incrementally: a character that spans tokens is returned with its last byte."""

    def __init__(self) -> None:
        self._incomplete = b""  # the first bytes of a character

    def feed(self, data: bytes) -> str:
        data = self._incomplete + data
        text, decoded = codecs.utf_8_decode(data, "replace", False)
        self._incomplete = data[decoded:]
        return text

    @property
    def is_between_characters(self) -> bool:
        """Whether no character is incomplete."""
        return not self._incomplete

    def close(self) -> str:
        """U+FFFD in place of an incomplete character, otherwise nothing."""
        rest, self._incomplete = self._incomplete, b""
        return rest.decode(errors="replace")
