"""What passes between the ingress and a replica; Ray pickles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.types import Message, Scope

from gateway.cluster.routing.key import RoutingKey

# What an ASGI application is told of a request; the rest of a scope stays with its server.
PASSED = (
    *("type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string"),
    *("root_path", "headers", "client", "server"),
)

# What a replica's answer consists of: first the id of the replica, then ASGI messages.
Part: TypeAlias = str | list[Message]


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its whole body; replicas in `avoid` have refused it.

    `gateway.cluster.routing.router` reads `key` and `avoid`.
    """

    scope: dict[str, Any]
    body: bytes
    key: RoutingKey = RoutingKey()
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole response, and the id of the replica that gave it."""

    replica: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def passed(scope: Scope) -> dict[str, Any]:
    """The part of an ASGI scope that another process can use."""
    copied = {key: scope[key] for key in PASSED if key in scope}
    return {**copied, "headers": [*scope["headers"]]}
