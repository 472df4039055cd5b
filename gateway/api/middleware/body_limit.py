"""Limits the size of request bodies: of each one, and of all that are held at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import Overloaded, TooLarge


@dataclass(slots=True, eq=False)
class _Body:
    """The chunks of a body in memory; `was_dropped` if they were freed before it was complete."""

    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    was_dropped: bool = False

    @property
    def held_bytes(self) -> int:
        return sum(map(len, self.chunks))


class BodyLimit:
    """Reads the whole body, and returns 413 if it is longer than `max_bytes`.

    All bodies together, which are held until their requests end, have at most `max_held_bytes`, and
    at least `max_bytes`. Beyond that, the body that has been arriving for longest is dropped; its
    client gets 503.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_held_bytes: int):
        self._app = app
        self._max_bytes = max_bytes
        self._max_held_bytes = max(max_bytes, max_held_bytes)
        self._held_bytes = 0
        self._arriving: dict[_Body, None] = {}  # in the order of their beginnings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body()
        try:
            if await self._read(body, receive):
                body.chunks[:] = [b"".join(body.chunks)]
                await self._app(scope, _replay(body.chunks[0], receive), send)
        except (TooLarge, Overloaded) as error:
            await response(error, scope["path"])(scope, receive, send)
        finally:
            self._held_bytes -= body.held_bytes

    async def _read(self, body: _Body, receive: Receive) -> bool:
        """Fills `body`, whose bytes count as held; returns False if the client disconnects.

        A client that is still sending doesn't read, so all is read, but not all is kept. Raises
        TooLarge and Overloaded.
        """
        self._arriving[body] = None
        try:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return False
                self._keep(body, message.get("body", b""))
                more = message.get("more_body", False)
        finally:
            self._arriving.pop(body, None)
        if body.size > self._max_bytes:
            raise TooLarge(
                f"the body has {body.size} bytes; `limits.body_mb` in models.yaml allows"
                f" {self._max_bytes}"
            )
        if body.was_dropped:
            raise Overloaded(
                "the bodies of all requests exceed `limits.bodies_mb` in models.yaml; try again in"
                f" {Overloaded.retry_after_s} s"
            )
        return True

    def _keep(self, body: _Body, chunk: bytes) -> None:
        body.size += len(chunk)
        if body.size > self._max_bytes:
            self._drop(body)
        while self._held_bytes + len(chunk) > self._max_held_bytes and not body.was_dropped:
            self._drop(next(iter(self._arriving)))
        if not body.was_dropped:
            body.chunks.append(chunk)
            self._held_bytes += len(chunk)

    def _drop(self, body: _Body) -> None:
        self._arriving.pop(body, None)
        self._held_bytes -= body.held_bytes
        body.chunks.clear()
        body.was_dropped = True


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that gives the whole body first, then what `receive` gives."""
    was_given = False

    async def replay() -> Message:
        nonlocal was_given
        if was_given:
            return await receive()
        was_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
