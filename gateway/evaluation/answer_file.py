"""Keeps answers in a file, so that a later run asks only what is missing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from gateway.chat.json import json_text
from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer


class Record(msgspec.Struct, frozen=True):
    """A line of a file of answers: those to the request with the digest `request`.

    If the streamed answer differs, the request is made `again`, not streamed: a server that has
    cached the prompt meanwhile computes with other batches, which can tip greedy decoding too.
    """

    case: str
    request: str
    answer: Answer
    streamed: Answer | None = None
    again: Answer | None = None

    @property
    def is_streamed_alike(self) -> bool:
        """False if the streamed answer differs from both others."""
        whole = filter(None, (self.answer, self.again))
        return self.streamed is None or any(map(self.streamed.equals, whole))


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
        return None if record and streamed and record.streamed is None else record

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
