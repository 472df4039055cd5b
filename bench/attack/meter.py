"""What other clients see while something else happens: how long they wait for anything."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from bench.attack.attack import chat_body, post
from bench.server import HOST, PATH, Server

POLL_S = 0.02
PATIENCE_S = 10.0  # then a client gives up
MEASURE_S = 0.1  # between measurements of memory
HEALTH = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
ANSWER_TOKENS = 24
DONE_BYTES = 64  # that have the last event of a stream


@dataclass(frozen=True, slots=True)
class Reading:
    """The longest waits of the other clients in seconds, and the growth of memory in MB.

    `failed` answers of theirs were cut off, or were errors.
    """

    health_s: float
    other_model_s: float
    same_model_s: float
    memory_mb: float
    failed: int


class Meter:
    """Watches `server` from `start` to `stop`.

    One client polls /health. Two ask for streamed answers one after another, of the model `m` that
    is attacked and of `other`; a wait is that for the first piece of an answer, or for the next.
    """

    def __init__(self, server: Server):
        self._server = server
        self._stopped = Event()
        self._failed = 0
        self._waits_s = {"health": 0.0, "m": 0.0, "other": 0.0}
        self._began_mb = self._peak_mb = server.resident_mb
        watches: list[Callable[[], None]] = [self._poll, self._weigh]
        watches += [lambda model=model: self._stream(model) for model in ("m", "other")]  # type: ignore[misc]
        self._threads = [Thread(target=watch, daemon=True) for watch in watches]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Reading:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        waits_s = self._waits_s
        grown_mb = self._peak_mb - self._began_mb
        return Reading(waits_s["health"], waits_s["other"], waits_s["m"], grown_mb, self._failed)

    def _poll(self) -> None:
        with self._connection() as connection:
            while not self._stopped.wait(POLL_S):
                since = time.perf_counter()
                connection.sendall(HEALTH)
                received = b""
                while not received.endswith(b"}"):
                    received += connection.recv(2**16)
                self._waited("health", since)

    def _connection(self) -> socket.socket:
        return socket.create_connection((HOST, self._server.port), timeout=PATIENCE_S)

    def _stream(self, model: str) -> None:
        """Ask for one answer after another."""
        sent = post(PATH, chat_body(model=model, stream=True, max_tokens=ANSWER_TOKENS))
        while not self._stopped.is_set():
            since, last = time.perf_counter(), b""
            with suppress(OSError), self._connection() as connection:
                connection.sendall(sent)
                while data := connection.recv(2**16):
                    since, last = self._waited(model, since), last[-DONE_BYTES:] + data
            self._waited(model, since)
            self._failed += b"data: [DONE]" not in last

    def _weigh(self) -> None:
        while not self._stopped.wait(MEASURE_S):
            with suppress(OSError):  # a process may have ended
                self._peak_mb = max(self._peak_mb, self._server.resident_mb)

    def _waited(self, client: str, since: float) -> float:
        now = time.perf_counter()
        self._waits_s[client] = max(self._waits_s[client], now - since)
        return now
