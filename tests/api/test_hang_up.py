"""A disconnect cancels the generation of its request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from tests.clock import skips_waits
from tests.fakes import RawClient, Script, ScriptedAnswer, app, chat, scripted, until


@asynccontextmanager
async def visitor(script: Script, **body: object) -> AsyncIterator[RawClient]:
    served = app(script)
    async with served.router.lifespan_context(served):
        yield RawClient(served, chat(**body))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("stream", [False, True])
async def test_disconnect_cancels_the_generation(stream: bool, n: int) -> None:
    script = Script([ScriptedAnswer(["Once ", "upon "], finish=None)])
    async with visitor(script, stream=stream, n=n) as client:
        visit = asyncio.create_task(client.run())
        await until(lambda: script.running == n)
        client.gone.set()
        async with asyncio.timeout(5):
            await visit
        await until(lambda: script.running == 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_immediate_disconnect_cancels_the_generation(stream: bool) -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None)])
    async with visitor(script, stream=stream) as client:
        client.gone.set()
        async with asyncio.timeout(5):
            await client.run()
        await until(lambda: script.running == 0)


async def test_lost_connection_cancels_the_generation() -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None)])

    class Lost(RawClient):
        async def _send(self, message: Message) -> None:
            raise OSError("broken pipe")

    served = app(script)
    async with served.router.lifespan_context(served):
        with pytest.raises(OSError, match="broken pipe"):
            await Lost(served, chat(stream=True)).run()
        await until(lambda: script.running == 0)


async def test_completed_answer_leaves_no_generation_running() -> None:
    for stream in (False, True):
        script = Script([scripted("Hello")])
        async with visitor(script, stream=stream, n=2) as client:
            async with asyncio.timeout(5):
                await client.run()
            assert script.running == 0
            assert client.sent[0]["status"] == 200


async def test_failed_answer_cancels_the_other_answers() -> None:
    script = Script(
        [ScriptedAnswer(["Once "], finish=None), ScriptedAnswer(["x"], fails=RuntimeError("oh"))]
    )
    async with visitor(script, stream=True, n=3) as client:
        async with asyncio.timeout(5):
            await client.run()
        assert script.running == 0
        assert b'"error"' in b"".join(message.get("body", b"") for message in client.sent)


@skips_waits
async def test_idle_stream_sends_keep_alive_comments() -> None:
    script = Script([ScriptedAnswer(finish=None)])
    async with visitor(script, stream=True) as client:
        visit = asyncio.create_task(client.run())
        await until(lambda: any(m.get("body", b"").startswith(b": ") for m in client.sent))
        client.gone.set()
        await visit
