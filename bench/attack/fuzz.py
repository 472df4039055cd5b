"""Sends random bodies to a gateway and collects what it may not answer."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread

from bench.attack.random_bodies import RandomBodies
from bench.server import HOST

PATIENCE_S = 5.0  # then a client hangs up; answers of any length are fine
EXPECTED = range(200, 500)
BUSY = 503  # with a Retry-After


@dataclass(slots=True)
class Fault:
    """A request that got what no request may get: another 5xx, or no response."""

    path: str
    body: bytes
    got: str


@dataclass(slots=True)
class Found:
    """The number of responses by status, and the faults."""

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)


class Fuzzer:
    """Clients that send random bodies to the gateway at `port`, drawn by `seed`, until `stop`."""

    def __init__(self, port: int, seed: int, clients: int = 2):
        self.found = Found()
        self._port = port
        self._stopped = Event()
        self._threads = [
            Thread(target=self._run, args=(Random(seed + i),), daemon=True) for i in range(clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Found:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return self.found

    def _run(self, chance: Random) -> None:
        bodies = RandomBodies(chance)
        while not self._stopped.is_set():
            send(self._port, *bodies.next(), self.found)


def is_expected(status: int, retry_after: str | None) -> bool:
    """Whether any request may get this response: no 5xx, but that the gateway is busy."""
    return status in EXPECTED or (status == BUSY and retry_after is not None)


def send(port: int, path: str, body: bytes, found: Found) -> None:
    """Send one request, and add its outcome to `found`."""
    deadline_s = time.monotonic() + PATIENCE_S
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = b""
        while piece := response.read1():
            data += piece
            if time.monotonic() > deadline_s:
                raise TimeoutError
        if not is_expected(response.status, response.getheader("Retry-After")):
            found.faults.append(Fault(path, body, f"{response.status} {data[:500]!r}"))
        found.statuses[str(response.status)] += 1
    except TimeoutError:
        found.statuses["hung up"] += 1
    except (OSError, http.client.HTTPException) as error:
        found.faults.append(Fault(path, body, repr(error)))
    finally:
        connection.close()
