"""The messages for a loop: read and prepared by threads, so that no forward pass waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread, stack_size
from typing import Generic, TypeAlias, TypeVar

from gateway.engine.options import EngineOptions
from gateway.engine.protocol import Cancel, ToWorker

THREADS = 2  # which share the CPUs with the model; each keeps memory of its own
# Compiling a nested grammar recurses. One that fits the 8 MB of a process of the pool fits here.
STACK_BYTES = 64 * 2**20

P = TypeVar("P")
Prepare: TypeAlias = Callable[[ToWorker], P]


class Inbox(Generic[P]):
    """Reads `messages`, and gives each out with what `prepare` returns for it.

    Those that `is_costly` to prepare are prepared `THREADS` at a time, and others overtake them. A
    job that is cancelled before it is taken is left out.
    """

    def __init__(
        self,
        messages: Iterable[ToWorker],
        prepare: Prepare[P],
        is_costly: Callable[[ToWorker], bool],
    ):
        self._messages = messages
        self._prepare = prepare
        self._is_costly = is_costly
        self._costly: SimpleQueue[ToWorker] = SimpleQueue()
        self._ready: SimpleQueue[tuple[ToWorker, P] | None] = SimpleQueue()  # None is the end
        self._pending: set[int] = set()  # jobs that have been read, but not taken
        self._cancelled: set[int] = set()  # those of them whose `Cancel` has been read
        usual = stack_size(STACK_BYTES)
        for work in (self._read, *[self._prepare_costly] * THREADS):
            Thread(target=work, daemon=True).start()  # the process ends without waiting for it
        stack_size(usual)

    @property
    def is_preparing(self) -> bool:
        """Whether jobs have been read that can't be taken yet."""
        return bool(self._pending)

    def take(self, *, wait_s: float = 0) -> Iterator[tuple[ToWorker, P] | None]:
        """The messages that are ready, the first within `wait_s`; None at the end of the input."""
        if wait_s:
            with suppress(Empty):
                yield from self._wanted(self._ready.get(timeout=wait_s))
        while not self._ready.empty():
            yield from self._wanted(self._ready.get())

    def _wanted(self, ready: tuple[ToWorker, P] | None) -> Iterator[tuple[ToWorker, P] | None]:
        """`ready`, unless it is a cancelled job."""
        id = _job(ready[0]) if ready else None
        if id is not None:
            self._pending.discard(id)
            if id in self._cancelled:
                self._cancelled.discard(id)
                return
        yield ready

    def _read(self) -> None:
        try:
            for message in self._messages:
                if isinstance(message, Cancel) and message.id in self._pending:
                    self._cancelled.add(message.id)
                if (id := _job(message)) is not None:
                    self._pending.add(id)
                if self._is_costly(message):
                    self._costly.put(message)
                else:
                    self._prepare_and_put(message)
        finally:
            self._ready.put(None)

    def _prepare_costly(self) -> None:
        while True:
            self._prepare_and_put(self._costly.get())

    def _prepare_and_put(self, message: ToWorker) -> None:
        id = _job(message)
        if id is not None and id in self._cancelled:
            self._pending.discard(id)
            self._cancelled.discard(id)
        else:
            self._ready.put((message, self._prepare(message)))


def _job(message: ToWorker) -> int | None:
    """The number of the job that `message` starts."""
    return None if isinstance(message, Cancel | EngineOptions) else message.id
