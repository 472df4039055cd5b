"""Carries out an attack: makes its connections again and again, until it is told to stop."""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from bench.attack.attack import CLOSED, HUNG_UP, OPEN, Attack, End
from bench.server import HOST

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
RECEIVED = 2**16  # bytes at once


class Attacker:
    """Tries `attack` on the server at `port`: once, and again until `span_s` have passed.

    `outcomes` counts those of the connections that have ended.
    """

    def __init__(self, attack: Attack, port: int, span_s: float = 0):
        self.outcomes: Counter[str] = Counter()
        self.tries = 0
        self.attack = attack
        self._port = port
        self._span_s = span_s
        self._pieces = [*attack.pieces()]
        self._open: set[socket.socket] = set()
        self._stopped = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until all tries have ended; returns whether they have."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End the attack: close the connections that are still open."""
        self._stopped.set()
        while not self.wait(0.1):
            for connection in [*self._open]:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopped.is_set():
            self.tries += 1
            threads = [Thread(target=self._connect) for _ in range(self.attack.connections)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if time.monotonic() - began >= self._span_s:
                return

    def _connect(self) -> None:
        try:
            with socket.create_connection((HOST, self._port)) as connection:
                self._open.add(connection)
                with suppress(OSError):  # the server may answer and close before it has read all
                    self._send(connection)
                outcome = self._outcome(connection)
                self._open.remove(connection)
        except OSError:
            outcome = CLOSED
        self.outcomes[outcome] += 1

    def _send(self, connection: socket.socket) -> None:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif self._stopped.wait(piece):
                return

    def _outcome(self, connection: socket.socket) -> str:
        if self.attack.end is End.HANG_UP:
            return HUNG_UP
        received = bytearray()
        with suppress(OSError):
            while data := connection.recv(RECEIVED):
                received += data
        if self._stopped.is_set() and (self.attack.end is End.HOLD or not received):
            return OPEN
        return told(bytes(received))


def told(response: bytes) -> str:
    """The outcome that a response tells: its status, and the code of its error if it has one."""
    status = STATUS.match(response)
    if status is None:
        return CLOSED
    body = response.partition(b"\r\n\r\n")[2]
    with suppress(ValueError):
        error = json.loads(body)["error"] if status[1] != b"200" else {}
        return " ".join(filter(None, (status[1].decode(), _code(error))))
    return status[1].decode()


def _code(error: Any) -> str:
    """The code of an error in the form of any dialect; Ollama's errors have none."""
    if not isinstance(error, dict):
        return ""
    return str(error.get("code") or error.get("type") or "")
