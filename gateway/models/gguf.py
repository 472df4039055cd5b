"""Reads the header of a GGUF file: its metadata and the shapes of its tensors, without weights.

Source: ggml/docs/gguf.md, and ggml.c for the sizes of the types.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from gateway.errors import ModelUnusable

Value: TypeAlias = int | float | bool | str | tuple[int | float | bool, ...]

MAX_STRINGS = 2**22  # in all lists together; the largest vocabulary has 2**18, its merges 2**19
MAX_ENTRIES = 2**16
MAX_LIST = 2**12  # numbers in a list that is read: one for each layer, and more
MAX_NAME_BYTES = 2**16
MAX_TEXT_BYTES = 2**24
STRING, LIST = 8, 9
NUMBERS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
TYPES = {  # ggml_type: values in a block, bytes of a block
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 40),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata without lists of texts, such as the vocabulary, and the tensors.

    `tensors` has the shape of each, the fastest dimension first; `weights` is their size in bytes.
    """

    metadata: dict[str, Value]
    tensors: dict[str, tuple[int, ...]]
    weights: int


def read_header(path: Path) -> Header:
    """Reads a header; raises ModelUnusable with the file and the reason if it is invalid."""
    try:
        with path.open("rb") as file:
            return _Reader(file, path.stat().st_size).header()
    except _Fault as fault:
        raise ModelUnusable(f"{path} is not a valid GGUF file: {fault}") from fault
    except OSError as error:
        raise ModelUnusable(f"{path} can't be read: {error.strerror}") from error


class _Fault(Exception):
    """A header is invalid."""


class _Reader:
    """Reads a header sequentially, and never beyond the end of the file."""

    def __init__(self, file: BinaryIO, size: int):
        self._file = file
        self._size = size
        self._at = 0
        self._strings = 0

    def header(self) -> Header:
        if (magic := self._take(4)) != b"GGUF":
            raise _Fault(f"it begins with {magic!r}, not with b'GGUF'")
        version = self._number("I")
        if version not in (2, 3):
            raise _Fault(f"its version is {version}; supported are 2 and 3, little endian")
        tensors = self._count("tensors", MAX_ENTRIES)
        entries = self._count("entries of metadata", MAX_ENTRIES)
        metadata = {}
        for _ in range(entries):
            key, value = self._text("a key", MAX_NAME_BYTES), self._value(int(self._number("I")))
            if value is not None:
                metadata[key] = value
        return self._with_tensors(metadata, tensors)

    def _with_tensors(self, metadata: dict[str, Value], count: int) -> Header:
        found = [self._tensor() for _ in range(count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 2**20:
            raise _Fault(f"its general.alignment is {alignment}, not between 1 and {2**20}")
        start = -(-self._at // alignment) * alignment
        for name, _, offset, length in found:
            if (end := start + offset + length) > self._size:
                raise _Fault(
                    f"its tensor {name} ends at byte {end:,}, the file at {self._size:,}: it is"
                    " corrupted or incomplete"
                )
        shapes = {name: shape for name, shape, _, _ in found}
        return Header(metadata, shapes, sum(length for *_, length in found))

    def _tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        """A tensor's name, shape, offset after the header, and size in bytes."""
        name = self._text("a tensor's name", MAX_NAME_BYTES)
        dimensions = int(self._number("I"))
        if dimensions > 4:
            raise _Fault(f"its tensor {name} has {dimensions} dimensions; at most 4 are possible")
        shape = tuple(int(self._number("Q")) for _ in range(dimensions))
        type = int(self._number("I"))
        if type not in TYPES:
            raise _Fault(f"its tensor {name} has the unknown type {type}")
        block, size = TYPES[type]
        return name, shape, int(self._number("Q")), math.prod(shape) // block * size

    def _value(self, type: int) -> Value | None:
        if type == STRING:
            return self._text("a text", MAX_TEXT_BYTES)
        if type == LIST:
            return self._list(int(self._number("I")), int(self._number("Q")))
        return self._number(_code(type))

    def _list(self, type: int, count: int) -> Value | None:
        """The numbers of a short list; other lists are skipped."""
        if type == STRING:
            self._strings += count
            if self._strings > MAX_STRINGS:
                raise _Fault(f"its lists have {self._strings:,} texts; at most {MAX_STRINGS:,}")
            for _ in range(count):
                self._skip(int(self._number("Q")))
            return None
        code = _code(type)
        if count > MAX_LIST:
            self._skip(count * struct.calcsize(code))
            return None
        return struct.unpack(f"<{count}{code}", self._take(count * struct.calcsize(code)))

    def _text(self, what: str, limit: int) -> str:
        length = int(self._number("Q"))
        if length > limit:
            raise _Fault(f"{what} at byte {self._at:,} is {length:,} bytes long; at most {limit:,}")
        return self._take(length).decode(errors="replace")

    def _count(self, what: str, limit: int) -> int:
        count = int(self._number("Q"))
        if count > limit:
            raise _Fault(f"it has {count:,} {what}; at most {limit:,}")
        return count

    def _number(self, code: str) -> int | float | bool:
        number: int | float | bool
        (number,) = struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}")))
        return number

    def _take(self, length: int) -> bytes:
        self._advance(length)
        if len(data := self._file.read(length)) < length:
            raise _Fault("it became shorter while it was read")
        return data

    def _skip(self, length: int) -> None:
        self._advance(length)
        self._file.seek(length, 1)

    def _advance(self, length: int) -> None:
        self._at += length
        if self._at > self._size:
            raise _Fault(
                f"its header extends to byte {self._at:,}, the file ends at {self._size:,}: it is"
                " corrupted or incomplete"
            )


def _code(type: int) -> str:
    if type not in NUMBERS:
        raise _Fault(f"a value has the unknown type {type}")
    return NUMBERS[type]
