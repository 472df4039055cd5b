"""Asks each case and scores its answers; answers can be kept in a file, to resume."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from gateway.chat.json import json_text
from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer
from gateway.evaluation.case import Case
from gateway.evaluation.client import ChatClient

Score: TypeAlias = Callable[[Case, Answer], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases and their score; with `streams`, each is asked a second time, streamed."""

    name: str
    cases: Sequence[Case]
    score: Score
    streams: bool = True


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers to a case, and why the first of them is wrong."""

    case: Case
    record: Record
    causes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        return self.record.answer

    @property
    def is_right(self) -> bool:
        return not self.causes


class AnswerFile:
    """The answers of `server`, in a file that grows while cases are asked.

    Without a path, they are kept in memory. Raises ConfigError for a file that is not one.
    """

    def __init__(self, path: Path | None = None, server: str = ""):
        self._path = path
        self._server = server
        self._records: dict[str, Record] = {}
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
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(record) + b"\n")


async def run(client: ChatClient, suite: Suite, kept: AnswerFile) -> AsyncIterator[Outcome]:
    """Asks one case after the other, except those whose answers are in `kept`."""
    for case in suite.cases:
        digest = kept.digest(case.request(client.model, client.max_tokens))
        record = kept.get(digest, streamed=suite.streams)
        if record is None:
            record = await _ask(client, case, digest, suite.streams)
            if not record.answer.error:
                kept.add(record)
        yield Outcome(case, record, suite.score(case, record.answer))


async def _ask(client: ChatClient, case: Case, digest: str, streams: bool) -> Record:
    record = Record(case.id, digest, await client.ask(case))
    if record.answer.error or not streams:
        return record
    record = replace(record, streamed=await client.ask_streamed(case))
    if record.is_streamed_alike:
        return record
    return replace(record, again=await client.ask(case))


def _read(path: Path) -> list[Record]:
    try:
        return msgspec.json.Decoder(Record).decode_lines(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is not a file of answers: {error}") from error
