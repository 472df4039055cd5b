"""An attack: what a hostile client sends, and what it may get for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from bench.server import HOST, PATH, user_message

# What a connection sends: bytes, and pauses in seconds.
Pieces: TypeAlias = Iterable[bytes | float]


class End(Enum):
    """What the client does when it has sent everything."""

    READ = auto()  # it waits for the response
    HOLD = auto()  # it leaves the connection open, and sends no more
    HANG_UP = auto()


# An outcome of a connection is the status with the code of the error, or one of these.
CLOSED = "closed"  # by the server, without a response
OPEN = "open"  # until the attack was over
HUNG_UP = "hung up"


@dataclass(frozen=True, slots=True)
class Attack:
    """`connections` at once, each of which sends what `pieces` returns.

    `pieces` is called before the attack, since some bodies take long to write. `outcomes` are
    those that a connection may have.
    """

    name: str
    pieces: Callable[[], Pieces]
    outcomes: frozenset[str]
    connections: int = 1
    end: End = End.READ


def post(path: str, body: bytes, extra: str = "") -> bytes:
    """The bytes of a whole request."""
    return head(path, f"Content-Length: {len(body)}\r\n{extra}") + body


def head(path: str, headers: str) -> bytes:
    """The bytes of a request without its body; `headers` ends with a line break or is empty."""
    fixed = f"Host: {HOST}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"POST {path} HTTP/1.1\r\n{fixed}{headers}\r\n".encode()


def chat_body(**fields: Any) -> bytes:
    """The body of a chat request for a short answer, with `fields`."""
    body = {"model": "m", "messages": user_message("Hi"), "max_tokens": 8, **fields}
    return json.dumps(body).encode()


def request(
    name: str, outcomes: str, write: Callable[[], bytes], path: str = PATH, **more: Any
) -> Attack:
    """A request with the body that `write` returns; `outcomes` are separated by commas."""
    return Attack(name, lambda: [post(path, write())], frozenset(outcomes.split(", ")), **more)


def chat(name: str, outcomes: str, write: Callable[[], dict[str, Any]], **more: Any) -> Attack:
    """A chat request with the fields that `write` returns."""
    return request(name, outcomes, lambda: chat_body(**write()), **more)
