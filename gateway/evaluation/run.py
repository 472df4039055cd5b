"""Asks each case of a suite, and scores its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace

from gateway.evaluation.answer import Answer
from gateway.evaluation.answer_file import AnswerFile, Record
from gateway.evaluation.case import Case
from gateway.evaluation.client import ChatClient

MAX_REPEATS = 4  # of a case whose streamed answer differs

Score: TypeAlias = Callable[[Case, Answer], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases and their score; with `streams`, each is asked a second time, streamed."""

    name: str
    cases: Sequence[Case]
    score: Score
    streams: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers to a case, and why the first one is wrong."""

    case: Case
    record: Record
    causes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        return self.record.whole[0]

    @property
    def is_right(self) -> bool:
        return not self.causes


async def run(client: ChatClient, suite: Suite, kept: AnswerFile) -> AsyncIterator[Outcome]:
    """Asks one case after the other, except those whose answers are in `kept`."""
    for case in suite.cases:
        digest = kept.digest(case.request(client.model, client.max_tokens))
        record = kept.get(digest, streamed=suite.streams)
        if record is None:
            record = await _ask(client, case, digest, suite.streams)
            if not record.whole[0].error:
                kept.add(record)
        yield Outcome(case, record, suite.score(case, record.whole[0]))


async def _ask(client: ChatClient, case: Case, digest: str, streams: bool) -> Record:
    record = Record(case.id, digest, (await client.ask(case),))
    if record.whole[0].error or not streams:
        return record
    record = replace(record, streamed=(await client.ask_streamed(case),))
    for _ in range(MAX_REPEATS):
        if record.is_streamed_alike:
            break
        record = replace(record, whole=(*record.whole, await client.ask(case)))
        record = replace(record, streamed=(*record.streamed, await client.ask_streamed(case)))
    return record
