"""Keeps answers in a file, so that a later run asks only what is missing."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from gateway.chat.json import json_text
from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer


class Record(msgspec.Struct, frozen=True):
    """A line of a file of answers: those to the request with the digest `request`.

    The first answer of `whole` is scored. If the streamed one differs, both are asked for again:
    where in its cache a server has a prompt, and in which batches it was computed, changes the last
    bits of the logits, and so greedy answers too.
    """

    case: str
    request: str
    whole: tuple[Answer, ...]
    streamed: tuple[Answer, ...] = ()

    @property
    def is_streamed_alike(self) -> bool:
        """Whether a streamed answer equals a whole one; true if none was streamed."""
        pairs = product(self.streamed, self.whole)
        return not self.streamed or any(streamed.equals(whole) for streamed, whole in pairs)


class AnswerFile:
    """The answers of `server`, in a file that grows while cases are asked.

    Without a path, they are kept in memory. Raises ConfigError for a file that is not one, or that
    can't be written.
    """

    def __init__(self, path: Path | None = None, server: str = ""):
        self._path = path
        self._server = server
        self._records: dict[str, Record] = {}
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"cannot write {path}: there is no folder {path.parent}")
        if path is not None and path.exists():
            self._records = {record.request: record for record in _read(path)}

    def digest(self, request: dict[str, Any]) -> str:
        """What identifies a request to this server."""
        text = f"{self._server}\n{json_text(request)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def get(self, digest: str, *, streamed: bool) -> Record | None:
        """The record of a request; with `streamed`, only one with a streamed answer."""
        record = self._records.get(digest)
        return None if record and streamed and not record.streamed else record

    def add(self, record: Record) -> None:
        self._records[record.request] = record
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(record) + b"\n")
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {error.strerror}") from error


def _read(path: Path) -> list[Record]:
    try:
        return msgspec.json.Decoder(Record).decode_lines(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is not a file of answers: {error}") from error
