"""The messages for a loop: read and prepared by threads, so that no forward pass waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from gateway.engine.options import EngineOptions
from gateway.engine.protocol import Cancel, ToWorker

Messages: TypeAlias = SimpleQueue[ToWorker | None]  # None is the end of the input


class Inbox:
    """Reads `messages`, and calls `prepare` with each in turn before it can be taken.

    A job that is cancelled before its turn is neither prepared nor taken.
    """

    def __init__(self, messages: Iterable[ToWorker], prepare: Callable[[ToWorker], None]):
        self._messages = messages
        self._prepare = prepare
        self._read: Messages = SimpleQueue()
        self._prepared: Messages = SimpleQueue()
        self._cancelled: set[int] = set()  # jobs whose `Cancel` has been read, but not taken
        for work in (self._read_all, self._prepare_all):
            Thread(target=work, daemon=True).start()

    def take(self, *, wait: bool) -> Iterator[ToWorker | None]:
        """The messages that are ready, with `wait` at least one; None at the end of the input."""
        if wait:
            yield from self._still_wanted(self._prepared.get())
        while True:
            try:
                message = self._prepared.get_nowait()
            except Empty:
                return
            yield from self._still_wanted(message)

    def _still_wanted(self, message: ToWorker | None) -> Iterator[ToWorker | None]:
        if isinstance(message, Cancel):
            self._cancelled.discard(message.id)
        if not self._is_cancelled(message):
            yield message

    def _is_cancelled(self, message: ToWorker | None) -> bool:
        return not (
            message is None
            or isinstance(message, EngineOptions)
            or message.id not in self._cancelled
        )

    def _read_all(self) -> None:
        try:
            for message in self._messages:
                if isinstance(message, Cancel):
                    self._cancelled.add(message.id)
                self._read.put(message)
        finally:
            self._read.put(None)

    def _prepare_all(self) -> None:
        while (message := self._read.get()) is not None:
            if not self._is_cancelled(message):
                self._prepare(message)
            self._prepared.put(message)
        self._prepared.put(None)
