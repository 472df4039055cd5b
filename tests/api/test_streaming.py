"""A stream response is produced independently of its reader and cancelled on disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from fastapi import Request, Response
from starlette.types import Message

from gateway.api.streaming import CLIENT_CLOSED_REQUEST, StreamResponse, until_disconnect
from gateway.errors import BadRequest, GatewayError


@dataclass
class Client:
    """An ASGI connection. Until `reads` is set, each part of a body waits to be sent."""

    sent: list[Message] = field(default_factory=list)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    has_left: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def reading(cls) -> Client:
        client = cls()
        client.reads.set()
        return client

    async def get(self, response: StreamResponse) -> None:
        async with asyncio.timeout(5):
            await response({"type": "http"}, self.receive, self._send)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    async def receive(self) -> Message:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)


def response(
    frames: AsyncGenerator[bytes, None], headers_s: float = 60, keep_alive_s: float = 60
) -> StreamResponse:
    return StreamResponse(
        frames, _error_frame, b"ping", headers_s=headers_s, keep_alive_s=keep_alive_s
    )


def _error_frame(error: GatewayError) -> bytes:
    return error.message.encode()


async def test_stream_sends_all_frames_and_ends() -> None:
    async def frames() -> AsyncGenerator[bytes, None]:
        for frame in (b"a", b"b", b"c"):
            yield frame
            await asyncio.sleep(0)

    client = Client.reading()
    await client.get(response(frames()))
    assert (client.status, client.body) == (200, b"abc")
    assert not client.sent[-1].get("more_body")


async def test_error_before_the_first_frame_is_raised() -> None:
    async def frames() -> AsyncGenerator[bytes, None]:
        raise BadRequest("no")
        yield b""

    client = Client.reading()
    with pytest.raises(BadRequest, match="no"):
        await client.get(response(frames()))
    assert not client.sent


async def test_error_after_the_first_frame_is_the_last_frame() -> None:
    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise BadRequest("no")

    client = Client.reading()
    await client.get(response(frames()))
    assert client.body == b"ano"


async def test_silent_stream_begins_and_is_kept_alive() -> None:
    goes_on = asyncio.Event()

    async def frames() -> AsyncGenerator[bytes, None]:
        await goes_on.wait()
        yield b"a"

    client = Client.reading()
    getting = asyncio.create_task(client.get(response(frames(), 0, 0)))
    while client.body.count(b"ping") < 3:  # noqa: ASYNC110 - it is the response that acts
        await asyncio.sleep(0)
    goes_on.set()
    await getting
    assert client.status == 200
    assert client.body.replace(b"ping", b"") == b"a"


async def test_stream_is_produced_while_its_client_does_not_read() -> None:
    has_ended = asyncio.Event()

    async def frames() -> AsyncGenerator[bytes, None]:
        async with asyncio.timeout(None):  # belongs to the task that produces the frames
            for _ in range(3):
                yield b"a"
                await asyncio.sleep(0)
        has_ended.set()

    client = Client()
    getting = asyncio.create_task(client.get(response(frames())))
    async with asyncio.timeout(5):
        await has_ended.wait()
    assert not client.sent
    client.reads.set()
    await getting
    assert client.body == b"aaa"


@pytest.mark.parametrize("count", [0, 2])
async def test_hang_up_cancels_the_stream(count: int) -> None:
    is_waiting, has_ended = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(count):
                yield b"a"
            is_waiting.set()
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    client = Client.reading()
    getting = asyncio.create_task(client.get(response(frames())))
    await is_waiting.wait()
    client.has_left.set()
    await getting
    assert has_ended.is_set()
    assert client.status == (200 if count else 499)


async def test_an_answer_that_is_ready_as_its_client_hangs_up_is_no_error() -> None:
    client, failures = Client(), list[dict[str, object]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    async def work() -> Response:
        await client.has_left.wait()
        return Response(b"ready")

    answering = asyncio.create_task(
        until_disconnect(Request({"type": "http"}, client.receive), work())
    )
    await asyncio.sleep(0)
    client.has_left.set()
    assert (await answering).status_code in (200, CLIENT_CLOSED_REQUEST)
    await asyncio.sleep(0)
    assert failures == []
