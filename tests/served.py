"""A gateway over real HTTP, usually one with a scripted engine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from gateway.api.server.serve import Server
from tests.fakes import Script, app


@contextmanager
def served(script: Script, **more: Any) -> Iterator[str]:
    """The URL of a gateway whose model follows `script`, within the context."""
    with serving(script, **more) as (url, _):
        yield url


@contextmanager
def serving(script: Script, grace_s: float = 0, **more: Any) -> Iterator[tuple[str, Server]]:
    """Its URL and its server, which stops as on a signal when `should_exit` is set."""
    with hosted(app(script, **more), grace_s) as hosting:
        yield hosting


@contextmanager
def hosted(gateway: FastAPI, grace_s: float = 0) -> Iterator[tuple[str, Server]]:
    """The URL and the server of any gateway."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = Server(gateway, grace_s)
        thread = threading.Thread(target=server.run, args=([door],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the gateway did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{door.getsockname()[1]}", server
        finally:
            server.should_exit = True
            thread.join()


def prompt(script: Script, at: int) -> str:
    """The text of a prompt that the script got, without special tokens."""
    return "".join(part for part in script.requests[at].prompt if isinstance(part, str))
