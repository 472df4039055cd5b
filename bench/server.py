"""Starts an HTTP server, the gateway or llama-server, and sends requests to it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.stream import Stream, receive

HOST = "127.0.0.1"
PATH = "/v1/chat/completions"
START_S = 120

Message: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process."""

    port: int
    process: subprocess.Popen[Any]

    def ask(self, **body: Any) -> Any:
        """The response body of a request that is not streamed."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=START_S)
        connection.request("POST", PATH, _payload(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {data[:500]!r}")
        return json.loads(data)

    def ask_s(self, **body: Any) -> float:
        """Seconds from the request to the end of the response."""
        began = time.perf_counter()
        self.ask(**body)
        return time.perf_counter() - began

    def open(self, **body: Any) -> Stream:
        """Send a streamed request, and receive nothing yet."""
        payload = _payload({"stream": True, "stream_options": {"include_usage": True}, **body})
        head = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        connection = socket.create_connection((HOST, self.port))
        stream = Stream(connection)
        connection.sendall(head.encode() + payload)
        return stream

    def stream(self, **body: Any) -> Stream:
        [stream] = self.streams([body])
        return stream

    def streams(self, bodies: Sequence[dict[str, Any]]) -> list[Stream]:
        """The responses of simultaneous streamed requests."""
        opened = [self.open(**body) for body in bodies]
        receive(opened)
        return opened

    @property
    def resident_mb(self) -> float:
        """Resident memory of all its processes. Source: proc_pid_status(5)."""
        return sum(resident_mb(process) for process in _family(self.process.pid))


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[Server]:
    """Run `command` and wait until it responds; terminate it at the end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_up(process, port)
            yield Server(port, process)
        finally:
            process.terminate()


def unused_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port


def resident_mb(process: int) -> float:
    """Its resident memory; none for a process that has ended and not been waited for."""
    status = Path(f"/proc/{process}/status").read_text()
    lines = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return sum(int(line.split()[1]) for line in lines) / 1024


def user_message(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def _payload(body: dict[str, Any]) -> bytes:
    return json.dumps({"model": "m", "temperature": 0, **body}).encode()


def _family(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _wait_until_up(process: subprocess.Popen[bytes], port: int) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < START_S:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        try:
            with closing(http.client.HTTPConnection(HOST, port, timeout=START_S)) as connection:
                connection.request("GET", "/health")
                answer = connection.getresponse()
                if answer.status == 200 and b'"loading"' not in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{process.args!r} did not answer within {START_S} s")
