"""Posts a loop's messages to the gateway; merges text that comes faster than it can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import BinaryIO

import msgspec

from gateway.engine.generation import Delta
from gateway.engine.protocol import FromWorker, Reply, pack

MERGE_WINDOW_S = 0.020


class Outbox:
    """Writes messages to a pipe. Within `MERGE_WINDOW_S` deltas wait to be merged with the next.

    Each write wakes the gateway, which takes a CPU from the model for a while. Where a step takes
    longer than `MERGE_WINDOW_S`, nothing waits.
    """

    def __init__(self, pipe: BinaryIO, clock: Callable[[], float] = time.monotonic):
        self._pipe = pipe
        self._clock = clock
        self._waiting: list[FromWorker] = []
        self._written_s = 0.0
        self._posted_s = 0.0

    def post(self, messages: Sequence[FromWorker]) -> None:
        """Write `messages`, or keep them for the next call. Call it after each step."""
        now_s = self._clock()
        is_quick = now_s - self._posted_s < MERGE_WINDOW_S
        self._posted_s = now_s
        self._waiting += messages
        can_wait = all(map(_can_wait, messages))
        waits = can_wait and is_quick and now_s - self._written_s < MERGE_WINDOW_S
        if self._waiting and not waits:
            self._pipe.write(pack(_merged(self._waiting)))
            self._waiting = []
            self._written_s = now_s


def _merged(messages: Sequence[FromWorker]) -> list[FromWorker]:
    """`messages` with the deltas of each answer merged, at the place of the first."""
    if len(messages) == 1:
        return [*messages]
    merged: dict[tuple[type, int], FromWorker] = {}
    for i, message in enumerate(messages):
        match message:
            case Reply(id, Delta() as delta):
                match merged.get((Delta, id)):
                    case Reply(value=Delta() as before):
                        message = Reply(id, _joined(before, delta))
                merged[Delta, id] = message
            case _:
                merged[type(message), i] = message
    return list(merged.values())


def _can_wait(message: FromWorker) -> bool:
    match message:
        case Reply(value=Delta(finish=None)):
            return True
    return False


def _joined(first: Delta, second: Delta) -> Delta:
    return msgspec.structs.replace(
        second,
        text=first.text + second.text,
        tokens=first.tokens + second.tokens,
        logprobs=(*first.logprobs, *second.logprobs),
        cache_miss=first.cache_miss or second.cache_miss,
        forced=first.forced + second.forced,
        opening=second.opening if first.opening is None else first.opening,
        details=(*first.details, *second.details),
    )
