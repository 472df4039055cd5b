"""Limits the size of request bodies: of each one, and of all that are held at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import Overloaded, TooLarge


class BodyLimit:
    """Reads the whole body, and returns 413 if it is longer than `max_bytes`.

    Returns 503 if all bodies together, which are held until their requests end, have more than
    `max_held_bytes`; one body may always have `max_bytes`.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_held_bytes: int):
        self._app = app
        self._max_bytes = max_bytes
        self._max_held_bytes = max(max_bytes, max_held_bytes)
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chunks: list[bytes] = []
        try:
            if await self._read(chunks, receive):
                chunks[:] = [b"".join(chunks)]
                await self._app(scope, _replay(chunks[0], receive), send)
        except (TooLarge, Overloaded) as error:
            await response(error, scope["path"])(scope, receive, send)
        finally:
            self._held_bytes -= sum(map(len, chunks))

    async def _read(self, chunks: list[bytes], receive: Receive) -> bool:
        """Fills `chunks`, whose bytes count as held; returns False if the client disconnects.

        A client that is still sending doesn't read, so all is read, but not all is kept. Raises
        TooLarge and Overloaded.
        """
        size, is_full, more = 0, False, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk = message.get("body", b"")
            size += len(chunk)
            is_full = is_full or self._held_bytes + len(chunk) > self._max_held_bytes
            if size <= self._max_bytes and not is_full:
                chunks.append(chunk)
                self._held_bytes += len(chunk)
            more = message.get("more_body", False)
        if size > self._max_bytes:
            raise TooLarge(
                f"the body has {size} bytes; `limits.body_mb` in models.yaml allows"
                f" {self._max_bytes}"
            )
        if is_full:
            raise Overloaded(
                "the bodies of all requests exceed `limits.bodies_mb` in models.yaml; try again in"
                f" {Overloaded.retry_after_s} s"
            )
        return True


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
