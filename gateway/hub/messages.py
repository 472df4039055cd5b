"""The messages of a download, from its process to the one that waits for it: JSON lines."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Bytes that are on disk, of how many, over all files of a model; the rate of late."""

    done_bytes: int
    total_bytes: int
    bytes_per_s: float = 0.0


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The model is on disk; `path` is its file, the first of them if it is split."""

    path: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The download failed; a later one can succeed by itself if the fault `is_transient`."""

    reason: str
    code: str | None = None
    is_transient: bool = False


Message: TypeAlias = Progress | Finished | Failed

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Message).decode
