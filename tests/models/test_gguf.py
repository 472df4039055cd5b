"""A header is read within bounds, and what is wrong with one is told."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ModelUnusable
from gateway.models.gguf import TYPES, Header, read_header
from tests.worker import tiny


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf").read_bytes()


def written(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"".join(parts))
    return path


def head(tensors: int = 0, entries: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries)


def text(said: bytes) -> bytes:
    return struct.pack("<Q", len(said)) + said


def test_a_header_says_what_the_vendors_reader_says(whole: bytes, tmp_path: Path) -> None:
    path = written(tmp_path / "a.gguf", whole)
    header, theirs = read_header(path), gguf.GGUFReader(path)
    shapes = {t.name: tuple(map(int, t.shape)) for t in theirs.tensors}
    assert header.tensors == shapes
    assert header.weights == sum(tensor.n_bytes for tensor in theirs.tensors)
    assert header.metadata["general.architecture"] == "llama"
    assert header.metadata["llama.block_count"] == tiny.LAYERS
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_every_type_of_the_vendors_is_known() -> None:
    assert {int(type): sizes for type, sizes in gguf.GGML_QUANT_SIZES.items()} == TYPES


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "goes on to byte 4, the file ends at 0"),
        (b"PK\3\4" * 9, r"begins with b'PK\\x03\\x04'"),
        (head(version=1), "version is 1; 2 and 3"),
        (head(version=0x03000000), "little endian"),
        (head(entries=2**60), "entries of metadata; 65,536 can be"),
        (head(tensors=2**60), "tensors; 65,536 can be"),
        (head(entries=1) + struct.pack("<Q", 2**50), "a key is 1,125,899,906,842,624 bytes long"),
        (head(entries=1) + text(b"k") + struct.pack("<I", 77), "a value is of the unknown type 77"),
        (
            head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 8, 2**40),
            "its lists hold 1,099,511,627,776 texts",
        ),
        (head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 4, 2**40), "goes on to byte"),
        (head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 9, 1), "of the unknown type 9"),
        (head(tensors=1) + text(b"t") + struct.pack("<I", 9), "its tensor t has 9 dimensions"),
        (
            head(tensors=1) + text(b"t") + struct.pack("<IQIQ", 1, 4, 5, 0),
            "its tensor t is of the unknown type 5",
        ),
        (
            head(tensors=1) + text(b"t") + struct.pack("<IQIQ", 1, 2**63, 0, 0),
            "its tensor t ends at byte 36,893,488,147,419,103,296, the file at 57",
        ),
        (
            head(entries=1) + text(b"general.alignment") + struct.pack("<II", 4, 0),
            "its general.alignment is 0",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(
    content: bytes, told: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "bad.gguf", content)
    with pytest.raises(ModelUnusable, match=f"bad.gguf is no usable GGUF: .*{told}"):
        read_header(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"none.gguf can't be read: No such file"):
        read_header(tmp_path / "none.gguf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_file_that_is_cut_short_or_changed_is_read_or_refused(
    data: st.DataObject, whole: bytes, tmp_path: Path
) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at, byte in data.draw(st.dictionaries(st.integers(0, 4000), st.integers(0, 255))).items():
        if at < len(damaged):
            damaged[at] = byte
    with suppress(ModelUnusable):
        assert isinstance(read_header(written(tmp_path / "a.gguf", bytes(damaged))), Header)
