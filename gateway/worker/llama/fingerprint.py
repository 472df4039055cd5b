"""A short name of everything that a reproducible answer depends on, beside the request."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from gateway.engine.options import EngineOptions
from gateway.worker.llama.devices import instructions, version

HEAD = 2**20  # bytes; they have the metadata, the names and the types of the tensors
LENGTH = 12  # hexadecimal digits


def fingerprint(options: EngineOptions) -> str:
    """`fp_` and a hash of llama.cpp's version, the CPU's instructions, the files and the options.

    A file counts with its size, its first MiB and its last; to read all of it would take as long as
    loading it.
    """
    paths = [options.path, *(path for path, _ in options.lora)]
    scales = tuple(("", scale) for _, scale in options.lora)
    whole = hashlib.sha256(repr((version(), instructions())).encode())
    whole.update(msgspec.structs.replace(options, path="", lora=scales).digest.encode())
    for path in paths:
        whole.update(_excerpt(Path(path)))
    return f"fp_{whole.hexdigest()[:LENGTH]}"


def _excerpt(path: Path) -> bytes:
    with path.open("rb") as file:
        head, size = file.read(HEAD), file.seek(0, os.SEEK_END)
        file.seek(max(0, size - HEAD))
        return b"%d" % size + head + file.read()
