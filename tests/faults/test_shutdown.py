"""SIGTERM under load: running requests get the grace period, new ones are rejected."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.faults.gateway import Ending, Gateway, eventually, running

pytestmark = pytest.mark.model


async def test_running_requests_end_with_an_error_after_the_grace_period(tmp_path: Path) -> None:
    with running(tmp_path, {"m": {"context": 8192}}, grace_s=2) as gateway:
        await gateway.rest("m")
        [worker] = gateway.workers
        whole = [asyncio.create_task(gateway.ask(max_tokens=None)) for _ in range(4)]
        newcomers = list[asyncio.Task[Ending]]()

        def stop() -> None:
            gateway.process.send_signal(signal.SIGTERM)
            newcomers.append(asyncio.create_task(newcomer(gateway)))

        endings = await gateway.during_streams(stop, max_tokens=None)
        endings += await asyncio.gather(*whole, *newcomers)
        assert {ending.code for ending in endings} == {"shutting_down"}
        assert {ending.status for ending in endings[8:]} == {503}

        assert await asyncio.to_thread(gateway.process.wait, 20) == -signal.SIGTERM
        assert await eventually(lambda: is_gone(worker))
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_second_signal_ends_the_gateway_and_its_worker_at_once(tmp_path: Path) -> None:
    with running(tmp_path, {"m": {"context": 8192}}, grace_s=600) as gateway:
        await gateway.rest("m")
        [worker] = gateway.workers

        again = list[asyncio.Task[None]]()

        async def repeat() -> None:
            await handled(gateway)
            gateway.process.send_signal(signal.SIGTERM)

        def stop() -> None:
            gateway.process.send_signal(signal.SIGTERM)
            again.append(asyncio.create_task(repeat()))

        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.during_streams(stop, count=1, max_tokens=None)
        await asyncio.gather(*again)
        assert await asyncio.to_thread(gateway.process.wait, 20) == -signal.SIGTERM
        assert await eventually(lambda: is_gone(worker))
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_worker_of_a_killed_gateway_ends_without_a_traceback(tmp_path: Path) -> None:
    with running(tmp_path, {"m": {"context": 8192}}) as gateway:
        await gateway.rest("m")
        [worker] = gateway.workers
        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.during_streams(gateway.process.kill, count=1, max_tokens=None)
        assert await eventually(lambda: is_gone(worker))
    assert "Traceback" not in (tmp_path / "log").read_text()


async def newcomer(gateway: Gateway) -> Ending:
    """Sends a request after the gateway has handled the signal."""
    await handled(gateway)
    return await gateway.ask()


async def handled(gateway: Gateway) -> None:
    """Returns when the gateway has handled the signal to shut down."""
    async with httpx.AsyncClient() as http:
        while (await http.get(f"{gateway.url}/health")).status_code == 200:
            pass


async def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
