"""Connections: how many, how long without headers, and clients that send no more."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.api.server.test_serve import LONG, BlockedScript, sent_to, streaming
from tests.fakes import Script, ScriptedAnswer, chat
from tests.served import serving

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=60) as connection:
        yield connection


def received(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(2**16), b""))


@pytest.mark.parametrize("text", ["", "POST /v1/chat", "GET / HTTP/1.1\r\nHost: localhost\r\nX-"])
def test_connection_is_closed_if_the_headers_do_not_arrive(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.server.connection.REQUEST_HEADERS_S", 0.1)
    with serving(Script([LONG])) as (url, _):
        assert sent_to(url, text) == ""


def test_answer_may_take_longer_than_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.server.connection.REQUEST_HEADERS_S", 0.1)
    script = BlockedScript([ScriptedAnswer(["Once ", "more"])])
    settings = {"limits": {"body_s": 0.1}}
    with serving(script, settings=settings) as (url, _), streaming(url) as text:
        time.sleep(0.3)
        script.let_go.set()
        assert "".join(text).endswith("data: [DONE]\n\n")


def test_small_writes_are_sent_at_once() -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None)])
    with serving(script) as (url, server), streaming(url):
        [connection] = server.server_state.connections
        own = connection.transport.get_extra_info("socket")
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# -- many connections


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"])
def test_a_new_connection_replaces_the_one_whose_request_has_been_arriving_for_longest(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.server.connection.MAX_CONNECTIONS", 3)
    with serving(Script([LONG])) as (url, _), ExitStack() as stack:
        held = [stack.enter_context(connected(url)) for _ in range(3)]
        held[0].sendall(begun)
        time.sleep(0.1)
        assert b" 200 " in sent_to(url, HEALTH.decode()).encode()
        held[0].settimeout(10)  # less than it may wait
        assert received(held[0]) == b""
        held[2].sendall(HEALTH)
        assert b" 200 " in received(held[2])


def test_a_connection_beyond_the_limit_is_refused_if_all_have_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.api.server.connection.MAX_CONNECTIONS", 2)
    with serving(Script([LONG])) as (url, _), streaming(url), streaming(url):
        assert sent_to(url, "").startswith("HTTP/1.1 503 ")


# -- clients that send no more


def request(stream: bool) -> bytes:
    body = httpx.Request("POST", "http://localhost/", json=chat(stream=stream)).read()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_sends_no_more_gets_its_answer(stream: bool) -> None:
    script = BlockedScript([ScriptedAnswer(["Once ", "more"])])
    with serving(script) as (url, _), connected(url) as connection:
        connection.sendall(request(stream))
        connection.shutdown(socket.SHUT_WR)
        while not script.running:
            time.sleep(0.01)
        time.sleep(0.05)
        script.let_go.set()
        assert b"more" in received(connection)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_has_closed_the_connection_cancels_its_answer(
    stream: bool,
) -> None:
    script = Script([ScriptedAnswer([], finish=None)])
    with serving(script) as (url, _):
        with connected(url) as connection:
            connection.sendall(request(stream))
            while not script.running:
                time.sleep(0.01)
        while script.running:
            time.sleep(0.01)


def test_a_client_that_closes_during_a_silent_stream_cancels_its_answer() -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None)])
    with serving(script) as (url, _):
        with connected(url) as connection:
            connection.sendall(request(stream=True))
            while b"Once" not in connection.recv(2**16):
                pass
        while script.running:
            time.sleep(0.01)


def test_a_client_that_sends_no_more_before_its_body_is_complete_is_gone() -> None:
    with serving(Script([LONG])) as (url, _), connected(url) as connection:
        connection.settimeout(10)
        connection.sendall(request(stream=False)[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert received(connection) == b""
