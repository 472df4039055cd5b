"""Connections that stay open, arrive slowly, come in great numbers or go at the wrong moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from bench.attack.attack import (
    CLOSED,
    HUNG_UP,
    OPEN,
    Attack,
    End,
    Pieces,
    chat_body,
    head,
    post,
)
from bench.server import HOST, PATH, user_message

MB = 2**20
DRIP_S = 0.2
HEADERS = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n".encode()


def _drip(begin: bytes, drop: bytes) -> Pieces:
    return [begin, *(DRIP_S, drop) * 1000]


def _chunked(size: int, count: int) -> Iterator[bytes]:
    """A body in `count` chunks of `size` bytes."""
    chunk = b"%x\r\n%b\r\n" % (size, b" " * size)
    yield head(PATH, "Transfer-Encoding: chunked\r\n")
    at_once = 2000
    yield from repeat(chunk * at_once, count // at_once)
    yield b"0\r\n\r\n"


def _held(name: str, connections: int, write: Pieces, *outcomes: str) -> Attack:
    return Attack(name, lambda: write, frozenset({OPEN, *outcomes}), connections, End.HOLD)


def _gone(name: str, pieces: Pieces) -> Attack:
    return Attack(name, lambda: pieces, frozenset({HUNG_UP}), 50, End.HANG_UP)


STREAM = post(PATH, chat_body(stream=True, max_tokens=200))
LONG = post(PATH, chat_body(messages=user_message("a long walk home " * 800)))
CONNECTIONS = (
    _held(
        "unfinished bodies of 8 MB",
        100,
        [head(PATH, f"Content-Length: {8 * MB}\r\n"), b" " * (8 * MB - 1)],
        "503 overloaded",
    ),
    _held("connections that send nothing", 600, [], CLOSED),
    _held("headers that arrive slowly", 50, _drip(HEADERS, b"a: b\r\n"), CLOSED),
    _held(
        "bodies that arrive slowly",
        50,
        _drip(head(PATH, "Content-Length: 1000\r\n"), b" "),
    ),
    _held("streams that nobody reads", 16, [STREAM]),
    Attack(
        "200,000 chunks of a byte",
        lambda: _chunked(1, 200_000),
        frozenset({"400 invalid_request_error"}),
    ),
    Attack(
        "1 MB of headers",
        lambda: [head(PATH, "a: b\r\n" * 170_000)],
        frozenset({"400", "431", CLOSED}),
    ),
    Attack(
        "a header of 60 KB",
        lambda: [head(PATH, f"a: {'b' * 60_000}\r\nContent-Length: 0\r\n")],
        frozenset({"400", "400 invalid_request_error", "431", CLOSED}),
    ),
    Attack(
        "1,000 requests in one connection at once",
        lambda: [(HEADERS + b"\r\n") * 1000],
        frozenset({"200"}),
        end=End.READ,
    ),
    Attack(
        "bytes that are not HTTP", lambda: [b"\x16\x03\x01" * 20_000], frozenset({"400", CLOSED})
    ),
    _gone("gone after the headers", [head(PATH, "Content-Length: 1000\r\n")]),
    _gone("gone within the body", [LONG[: len(LONG) // 2]]),
    _gone("gone after the body", [LONG]),
    _gone("gone within the answer", [STREAM, 0.3]),
)
