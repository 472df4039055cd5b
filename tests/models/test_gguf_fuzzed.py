"""Any GGUF header is read as written, and a damaged one is read or rejected."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ModelUnusable
from gateway.models.gguf import LIST, NUMBERS, STRING, TYPES, Header, Value, read_header

FUZZED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(max_size=8)
SIZES = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1])


def text(said: str) -> bytes:
    raw = said.encode()
    return struct.pack("<Q", len(raw)) + raw


def numbers(type: int) -> st.SearchStrategy[int | float | bool]:
    code = NUMBERS[type]
    if code in "fd":
        return st.floats(allow_nan=False, width=32)
    bits = 8 * struct.calcsize(code)
    signed = code.islower()
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.booleans() if code == "?" else st.integers(least, most)


@st.composite
def values(draw: st.DrawFn) -> tuple[bytes, Value | None]:
    """A value with its type as written, and as read: a list of texts is skipped."""
    kind = draw(st.sampled_from(["text", "texts", "number", "numbers"]))
    if kind == "text":
        said = draw(NAMES)
        return struct.pack("<I", STRING) + text(said), said
    if kind == "texts":
        all = draw(st.lists(NAMES, max_size=3))
        return struct.pack("<IIQ", LIST, STRING, len(all)) + b"".join(map(text, all)), None
    type = draw(st.sampled_from([*NUMBERS]))
    if kind == "number":
        number = draw(numbers(type))
        return struct.pack(f"<I{NUMBERS[type]}", type, number), number
    several = draw(st.lists(numbers(type), max_size=4))
    head = struct.pack("<IIQ", LIST, type, len(several))
    return head + struct.pack(f"<{len(several)}{NUMBERS[type]}", *several), tuple(several)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Header]:
    """A file, and its header."""
    metadata = draw(st.dictionaries(NAMES, values(), max_size=4))
    shapes = draw(st.dictionaries(NAMES, st.lists(st.integers(0, 3), max_size=3), max_size=3))
    entries = b"".join(text(key) + written for key, (written, _) in metadata.items())
    tensors, whole, weights = b"", {}, 0
    for name, (*slower, fastest) in ((name, [*shape, 1]) for name, shape in shapes.items()):
        type = draw(st.sampled_from([*TYPES]))
        block, size = TYPES[type]
        whole[name] = shape = (fastest * block, *slower)
        tensors += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        tensors += struct.pack("<IQ", type, weights)
        weights += math.prod(shape) // block * size
    head = b"GGUF" + struct.pack("<IQQ", 3, len(whole), len(metadata))
    read = {key: value for key, (_, value) in metadata.items() if value is not None}
    return head + entries + tensors + bytes(32 + weights), Header(read, whole, weights)


@FUZZED
@given(file=files())
def test_a_header_is_read_as_written(file: tuple[bytes, Header], tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(file[0])
    assert read_header(path) == file[1]


@FUZZED
@given(file=files(), data=st.data())
def test_a_damaged_header_is_read_or_rejected(
    file: tuple[bytes, Header], data: st.DataObject, tmp_path: Path
) -> None:
    damaged = bytearray(file[0][: data.draw(st.integers(0, len(file[0])))])
    for at in data.draw(st.lists(st.integers(4, max(4, len(damaged) - 8)), max_size=4)):
        damaged[at : at + 8] = struct.pack("<Q", data.draw(SIZES))
    path = tmp_path / "a.gguf"
    path.write_bytes(damaged)
    with suppress(ModelUnusable):
        assert isinstance(read_header(path), Header)
