"""Turns the bytes of tokens into text. Pure."""

from __future__ import annotations

import codecs


class Detokenizer:
    """Decodes UTF-8 incrementally: a character that spans tokens is returned with its last byte."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        return self._decoder.decode(data)

    @property
    def is_between_characters(self) -> bool:
        """Whether no character is incomplete."""
        return not self._decoder.getstate()[0]

    def close(self) -> str:
        """U+FFFD in place of an incomplete character, otherwise nothing."""
        return self._decoder.decode(b"", final=True)
