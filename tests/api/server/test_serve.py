"""Shutdown rejects new requests and waits for running ones; public addresses require keys."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from gateway.admission.api_keys import Key, new_key
from gateway.api.server.serve import Server
from gateway.engine.generation import Delta, Generation, Output
from tests.api.test_dialects import message_of
from tests.fakes import Script, ScriptedAnswer, chat, events
from tests.served import serving

LONG = ScriptedAnswer(["Once "], finish=None)


@dataclass
class BlockedScript(Script):
    """A script that blocks before each answer's end until `let_go` is set."""

    let_go: threading.Event = field(default_factory=threading.Event)

    async def generate(self, asked: Generation) -> AsyncGenerator[Output, None]:
        async for piece in super().generate(asked):
            if isinstance(piece, Delta) and piece.finish:
                await asyncio.to_thread(self.let_go.wait)
            yield piece


@contextmanager
def streaming(url: str) -> Iterator[Iterator[str]]:
    """Yields the text pieces of a stream that has started."""
    with (
        httpx.Client(base_url=url, timeout=60) as client,
        client.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as answer,
    ):
        text, seen = answer.iter_text(), ""
        while "Once " not in seen:
            seen += next(text)
        yield text


def stop(server: Server, url: str) -> httpx.Response:
    """Stops the server as a signal does, and returns the first response that is not 200."""
    server.should_exit = True
    while (answer := httpx.get(f"{url}/health")).status_code == 200:
        pass
    return answer


def test_shutdown_finishes_running_streams_and_rejects_new_requests() -> None:
    script = BlockedScript([ScriptedAnswer(["Once ", "more"])])
    with serving(script, grace_s=60) as (url, server), streaming(url) as text:
        refused = stop(server, url)
        assert refused.status_code == 503
        assert refused.headers["connection"] == "close"
        assert int(refused.headers["retry-after"]) > 0
        script.let_go.set()
        assert "".join(text).endswith("data: [DONE]\n\n")


def test_stream_ends_with_an_error_after_the_grace_period() -> None:
    script = Script([LONG])
    with serving(script, grace_s=0) as (url, server), streaming(url) as text:
        server.should_exit = True
        [last] = events("".join(text))
    assert last["error"]["code"] == "shutting_down"
    assert script.running == 0
    assert script.stopped


def test_client_that_does_not_read_does_not_delay_the_shutdown() -> None:
    script = Script([ScriptedAnswer(["Once ", "x" * 2**24], finish=None)])
    with ExitStack() as client:
        with serving(script, grace_s=0) as (url, _):
            client.enter_context(streaming(url))
        gc.collect()  # a socket that the server left open raises a ResourceWarning here
    assert script.stopped


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=60) as connection:
        yield connection


def received(connection: socket.socket) -> str:
    """What the server sends before it closes the connection."""
    return b"".join(iter(lambda: connection.recv(2**16), b"")).decode()


def sent_to(url: str, text: str) -> str:
    """What the server answers to `text` before it closes the connection."""
    with connected(url) as connection:
        connection.sendall(text.encode())
        return received(connection)


@pytest.mark.parametrize("keys", [(), (new_key("alice")[1],)])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat"])
def test_body_that_does_not_arrive_returns_408_and_closes(path: str, keys: tuple[Key]) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    with serving(Script([LONG]), settings={"limits": {"body_s": 0.1}}, keys=keys) as (url, _):
        answer = sent_to(url, head + "{")
    assert answer.startswith("HTTP/1.1 408 ")
    assert "limits.body_s" in message_of(json.loads(answer.partition("\r\n\r\n")[2]))


def test_shutdown_does_not_wait_for_a_body_that_does_not_arrive() -> None:
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
    with serving(Script([LONG]), grace_s=60) as (url, server), connected(url) as connection:
        connection.sendall(head.encode())
        while not server.server_state.tasks:
            time.sleep(0.01)
        server.should_exit = True
        answer = received(connection)
    assert answer.startswith("HTTP/1.1 503 ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"]["code"] == "shutting_down"
