"""Delivers one request: finds a replica that takes it, and passes its answer on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Send

from gateway.api.errors import response
from gateway.cluster.broken_stream import StreamEnd
from gateway.cluster.call import Call, Part
from gateway.errors import Busy, GatewayError, ReplicaLost

MAX_TRIES = 4  # replicas that a request is offered to
REPLICA = "x-replica"
REQUEST_ID = "x-request-id"  # which Ray's proxy adds to the response

Ask: TypeAlias = Callable[[Call], AsyncGenerator[Part, None]]


class Delivery:
    """A request on its way to a replica; `ask` has one answer it.

    A replica that answers 429, or is lost before its answer has begun, is avoided, and another one
    is asked, up to `MAX_TRIES`. Nothing has been sent then, so the client does not notice.
    """

    def __init__(self, ask: Ask, call: Call):
        self._ask = ask
        self._call = call
        self._path: str = call.scope["path"]
        self._end = StreamEnd(self._path)
        self._start: Message | None = None

    async def run(self, send: Send) -> None:
        """Sends the response, whatever becomes of the replicas."""
        for tries_left in reversed(range(MAX_TRIES)):
            try:
                if await self._is_answered(send, is_last=not tries_left):
                    return
            except GatewayError as error:
                if self._start is not None:
                    await self._break_off(error, send)
                    return
                if not isinstance(error, ReplicaLost) or not tries_left:
                    await response(error, self._path)(self._call.scope, _no_receive, send)
                    return

    async def _is_answered(self, send: Send, *, is_last: bool) -> bool:
        """Passes on the answer of one replica. Returns False if another is to be asked."""
        replica = ""
        async with aclosing(self._ask(self._call)) as answer:
            async for part in answer:
                if isinstance(part, str):
                    replica = part
                    continue
                for message in part:
                    if message["type"] == "http.response.start":
                        is_full = message["status"] == Busy.status
                        if is_full and not is_last and self._is_first_refusal(replica):
                            return False
                        self._start = message
                        _label(message, replica)
                    await send(message)
                    self._end.follow(message.get("body", b""))
        return True

    def _is_first_refusal(self, replica: str) -> bool:
        """Has later tries avoid `replica`. Returns False if none but such replicas are left."""
        is_first = replica not in self._call.avoid
        self._call = replace(self._call, avoid=self._call.avoid | {replica})
        return is_first

    async def _break_off(self, error: GatewayError, send: Send) -> None:
        """Ends a response that has begun; one that is no stream can only be left incomplete."""
        assert self._start is not None
        if "content-length" in Headers(raw=self._start["headers"]):
            raise error
        await send({"type": "http.response.body", "body": self._end.broken(error)})


def _label(start: Message, replica: str) -> None:
    headers = MutableHeaders(scope=start)
    headers[REPLICA] = replica
    del headers[REQUEST_ID]


async def _no_receive() -> Message:
    raise RuntimeError("the body has been read")
