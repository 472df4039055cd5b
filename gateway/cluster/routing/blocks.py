"""Cuts a text into blocks and hashes each with all before it: equal hashes, equal prefixes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

MAX_BYTES = 256 * 1024  # of a text, 64k tokens; what follows is not looked at
MAX_BLOCKS = 256
_MIN_CUT = 512  # bytes; a text of many blocks is cut this fine at its beginning
_GROWTH = 16  # a block is as long as this part of the text before it
_END = b"\0"  # of a piece


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a text: their chained hashes of 64 bits, and the byte at which each ends."""

    hashes: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def sizes(self) -> list[int]:
        """The bytes of each block."""
        return [end - begin for begin, end in pairwise((0, *self.ends))]


def blocks(name: str, pieces: Iterable[bytes]) -> Blocks:
    """Returns the blocks of the text of `pieces`, such as messages; `name` is hashed before it.

    A block ends where a piece ends, or within it, once it has a sixteenth of the bytes before it.
    So texts with the same beginning have the same blocks there, however they go on, and a text of n
    bytes has O(log n) blocks. A zero byte ends each piece, so none may have one.

    >>> short, long = blocks("m", [b"a" * 600]), blocks("m", [b"a" * 600, b"b"])
    >>> short.hashes == long.hashes[:2], short.ends
    (True, (512, 601))
    """
    state = hashlib.blake2b(name.encode("utf-8", "replace") + _END, digest_size=8)
    hashes: list[int] = []
    ends: list[int] = []
    begin = at = 0

    def cut() -> None:
        nonlocal begin
        hashes.append(int.from_bytes(state.digest(), "big"))
        ends.append(at)
        begin = at

    for piece in pieces:
        rest = memoryview(piece + _END)[: MAX_BYTES - at]
        while len(rest) >= (room := begin + max(_MIN_CUT, begin // _GROWTH) - at):
            state.update(rest[:room])
            rest, at = rest[room:], at + room
            cut()
        state.update(rest)
        at += len(rest)
        if at - begin > begin // _GROWTH:
            cut()
        if at >= MAX_BYTES or len(hashes) >= MAX_BLOCKS:
            break
    return Blocks(tuple(hashes[:MAX_BLOCKS]), tuple(ends[:MAX_BLOCKS]))
