"""Token bytes -> text: a character goes out when its last byte is in."""

from __future__ import annotations

import codecs


class TextStream:
    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        return self._decoder.decode(data)

    @property
    def is_whole(self) -> bool:
        """No character is begun."""
        return not self._decoder.getstate()[0]

    def close(self) -> str:
        """What an unfinished character leaves: U+FFFD, or nothing."""
        return self._decoder.decode(b"", final=True)
