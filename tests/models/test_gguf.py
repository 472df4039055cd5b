"""GGUF headers are read within bounds, and an invalid one is an error with the reason."""

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


def test_a_header_is_what_the_gguf_package_reads(whole: bytes, tmp_path: Path) -> None:
    path = written(tmp_path / "a.gguf", whole)
    header, theirs = read_header(path), gguf.GGUFReader(path)
    shapes = {t.name: tuple(map(int, t.shape)) for t in theirs.tensors}
    assert header.tensors == shapes
    assert header.weights == sum(tensor.n_bytes for tensor in theirs.tensors)
    assert header.metadata["general.architecture"] == "llama"
    assert header.metadata["llama.block_count"] == tiny.LAYERS
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_every_type_of_the_gguf_package_is_known() -> None:
    assert {int(type): sizes for type, sizes in gguf.GGML_QUANT_SIZES.items()} == TYPES


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "extends to byte 4, the file ends at 0"),
        (b"PK\3\4" * 9, r"begins with b'PK\\x03\\x04'"),
        (head(version=1), "version is 1; supported are 2 and 3"),
        (head(version=0x03000000), "little endian"),
        (head(entries=2**60), "entries of metadata; at most 65,536"),
        (head(tensors=2**60), "tensors; at most 65,536"),
        (
            head(entries=1) + struct.pack("<Q", 2**50),
            "a key at byte 32 is 1,125,899",
        ),
        (head(entries=1) + text(b"k") + struct.pack("<I", 77), "a value has the unknown type 77"),
        (
            head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 8, 2**40),
            "its lists have 1,099,511,627,776 texts",
        ),
        (head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 4, 2**40), "extends to byte"),
        (
            head(entries=1) + text(b"k") + struct.pack("<IIQ", 9, 9, 1),
            "a value has the unknown type 9",
        ),
        (head(tensors=1) + text(b"t") + struct.pack("<I", 9), "its tensor t has 9 dimensions"),
        (
            head(tensors=1) + text(b"t") + struct.pack("<IQIQ", 1, 4, 5, 0),
            "its tensor t has the unknown type 5",
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
def test_an_invalid_file_is_an_error_with_its_name_and_the_reason(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "bad.gguf", content)
    with pytest.raises(ModelUnusable, match=f"bad.gguf is not a valid GGUF file: .*{reason}"):
        read_header(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"none.gguf can't be read: No such file"):
        read_header(tmp_path / "none.gguf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_truncated_or_changed_file_is_read_or_rejected(
    data: st.DataObject, whole: bytes, tmp_path: Path
) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at, byte in data.draw(st.dictionaries(st.integers(0, 4000), st.integers(0, 255))).items():
        if at < len(damaged):
            damaged[at] = byte
    with suppress(ModelUnusable):
        assert isinstance(read_header(written(tmp_path / "a.gguf", bytes(damaged))), Header)
