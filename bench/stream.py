"""A streamed response: bytes and times are recorded while it arrives, and parsed afterwards."""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

EVENT = re.compile(rb"^data: (\{.*\})\r?$", re.MULTILINE)
TEXT = re.compile(rb'"(content|arguments)":"[^"]|"name":"')
PATIENCE_S = 180


@dataclass(slots=True)
class Stream:
    """A response with the times of its parts."""

    socket: socket.socket
    started: float = field(default_factory=time.perf_counter)
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    is_open: bool = True

    def receive(self) -> None:
        data = self.socket.recv(65536)
        self.pieces.append((time.perf_counter(), data))
        if not data:
            self.close()

    def close(self) -> None:
        self.is_open = False
        self.socket.close()

    @property
    def has_text(self) -> bool:
        return any(TEXT.search(data) for _, data in self.pieces)

    @property
    def times(self) -> list[float]:
        """The arrival times of the chunks with text or with a part of a call."""
        return [at for at, data in self._events() if TEXT.search(data)]

    @property
    def first_s(self) -> float:
        return self.times[0] - self.started

    @property
    def text(self) -> str:
        """The content of the first choice."""
        chunks = (json.loads(data) for _, data in self._events())
        deltas = (choice["delta"] for chunk in chunks for choice in chunk["choices"][:1])
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def usage(self) -> Any:
        """The `usage` that the server reports."""
        found = [usage for _, data in self._events() if (usage := json.loads(data).get("usage"))]
        if not found:
            raise RuntimeError(f"no usage in {self._received()[-500:]!r}")
        return found[-1]

    @property
    def tokens_s(self) -> float:
        """Tokens per second, from the first chunk of text to the last."""
        times = self.times
        return float((self.usage["completion_tokens"] - 1) / (times[-1] - times[0]))

    def _received(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    def _events(self) -> list[tuple[float, bytes]]:
        ends = list(accumulate(len(data) for _, data in self.pieces))
        found = EVENT.finditer(self._received())
        return [(self.pieces[bisect_left(ends, e.end())][0], e[1]) for e in found]


def receive(streams: Sequence[Stream], is_enough: Callable[[], bool] = lambda: False) -> None:
    """Receive all of `streams` until they end or `is_enough` returns true."""
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.socket, selectors.EVENT_READ, stream)
        while selector.get_map() and not is_enough():
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise TimeoutError(f"no data for {PATIENCE_S} s")
            for key, _ in ready:
                key.data.receive()
                if not key.data.is_open:
                    selector.unregister(key.fileobj)
