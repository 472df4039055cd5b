"""How long an attack holds up the event loop: `python -m tests.faults.event_loop [NAME...]`.

Each attack that is one request is sent to an application in this process, whose model answers from
a script. A pause is the CPU time that this process uses between two turns of a task that only
sleeps; other programs on the machine change it little. `TRACES=FILE` appends what all threads do
when a pause has taken `TRACE_S`.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import time
from typing import Any

import msgspec

from bench.attack.attack import Attack, End
from bench.attack.attacks import ATTACKS
from gateway.api.server.interpreter import set_up_interpreter
from gateway.app import create_app
from tests.fakes import INFO, Script, config, no_memory, scripted

TICK_S, TRACE_S = 0.001, 0.008
TRIES = 3
VOCABULARY = {"context": 4096, "max_token_bytes": 128}  # as the default model has it
LINE = "| {:44} | {:>8} | {:>8} | {:>8} | {} |"


class Pauses:
    """Measures the longest pause, from `start` to `stop`, in seconds."""

    def __init__(self, traces: Any) -> None:
        self.longest_s = self.total_s = 0.0
        self._traces = traces
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._tick())

    def stop(self) -> None:
        assert self._task
        self._task.cancel()
        faulthandler.cancel_dump_traceback_later()

    async def _tick(self) -> None:
        while True:
            if self._traces:
                faulthandler.dump_traceback_later(TRACE_S, file=self._traces)
            since = time.process_time()
            await asyncio.sleep(TICK_S)
            pause_s = time.process_time() - since
            self.total_s += pause_s
            self.longest_s = max(self.longest_s, pause_s)


def request_of(attack: Attack) -> tuple[str, bytes] | None:
    """The path and the body of an attack that is one request and waits for the response."""
    if attack.connections > 1 or attack.end is not End.READ:
        return None
    sent = b"".join(piece for piece in attack.pieces() if isinstance(piece, bytes))
    head, _, body = sent.partition(b"\r\n\r\n")
    if not head.startswith(b"POST ") or b"\r\nContent-Length: " not in head:
        return None
    return head.split(b" ")[1].decode(), body


async def post(app: Any, path: str, body: bytes) -> int:
    """Sends a request to `app`; returns the status."""
    status = 0
    sent = [{"type": "http.request", "body": body, "more_body": False}]
    headers = {b"host": b"127.0.0.1", b"content-type": b"application/json"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [*headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> Any:
        if sent:
            return sent.pop()
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status


async def measure(attack: Attack, traces: Any) -> str | None:
    request = request_of(attack)
    if request is None:
        return None

    async def launch(*_: object) -> Script:
        return Script(
            [scripted("Hello, how are you?")], msgspec.structs.replace(INFO, **VOCABULARY)
        )

    app = create_app(config(context=4096), launch, estimate=no_memory, is_local=True)
    pauses = Pauses(traces)
    statuses = []
    async with app.router.lifespan_context(app):
        await post(
            app,
            "/v1/chat/completions",
            b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}',
        )
        if traces:
            traces.write(f"==== {attack.name}\n")
            traces.flush()
        pauses.start()
        await asyncio.sleep(0.05)
        for _ in range(TRIES):
            statuses.append(await post(app, *request))
        await asyncio.sleep(0.05)
        pauses.stop()
    ms = (f"{s * 1000:.1f}" for s in (pauses.longest_s, pauses.total_s / TRIES))
    return LINE.format(attack.name, *ms, f"{len(request[1]) / 2**20:.2f}", statuses)


def main() -> None:
    traces = open(os.environ["TRACES"], "a") if os.environ.get("TRACES") else None  # noqa: SIM115
    set_up_interpreter()
    print(LINE.format("attack", "pause ms", "CPU ms", "MB", "statuses"))
    names = sys.argv[1:] or [""]
    for name, attack in ATTACKS.items():
        if any(part in name for part in names) and (line := asyncio.run(measure(attack, traces))):
            print(line, flush=True)


if __name__ == "__main__":
    main()
