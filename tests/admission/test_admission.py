"""Requests wait for a slot until their deadline, and end when the gateway shuts down."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.admission.admission import SLOTS, Admission
from gateway.config.load import Config
from gateway.errors import Busy, GatewayError, ShuttingDown, TimedOut
from tests.clock import skips_waits
from tests.fakes import config


def admission(queue: int = 4, **settings: Any) -> Admission:
    return Admission(Config.model_validate({**dict(config(queue=queue)), **settings}))


async def take_all_slots(admission: Admission, held: AsyncExitStack) -> None:
    await held.enter_async_context(admission.slot("m", slots=SLOTS))


async def hold_slot(admission: Admission, timeout_s: float | None = None) -> None:
    async with admission.slot("m", timeout_s=timeout_s):
        await asyncio.Event().wait()


async def error_of(task: asyncio.Task[None]) -> GatewayError:
    with pytest.raises(GatewayError) as error:
        await task
    return error.value


@skips_waits
async def test_reload_applies_to_later_requests() -> None:
    gate = admission(queue=0)
    async with AsyncExitStack() as held:
        await take_all_slots(gate, held)
        with pytest.raises(Busy):
            await hold_slot(gate)
        gate.reload(Config.model_validate({**dict(config(queue=1)), "timeout_s": 30}))
        waiting = asyncio.create_task(hold_slot(gate))
        assert isinstance(await error_of(waiting), Busy)
        assert "30 s" in str(waiting.exception())


async def test_a_reload_with_more_slots_admits_those_that_wait() -> None:
    remote = {"source": "http://h/v1", "queue": 1}
    gate = Admission(config(**remote))
    async with AsyncExitStack() as held:
        await take_all_slots(gate, held)
        waiting = asyncio.create_task(held.enter_async_context(gate.slot("m")))
        await asyncio.sleep(0)
        assert gate.waiting == {"m": 1}
        gate.reload(config(**remote, remote={"slots": SLOTS + 1}))
        async with asyncio.timeout(5):
            await waiting


async def test_a_released_slot_goes_to_the_next_request() -> None:
    gate = admission()
    async with AsyncExitStack() as held:
        await take_all_slots(gate, held)
        waiting = asyncio.create_task(hold_slot(gate))
        await asyncio.sleep(0)
    async with asyncio.timeout(5), AsyncExitStack() as others:
        for _ in range(SLOTS - 1):  # the last slot is taken
            await others.enter_async_context(gate.slot("m"))
        waiting.cancel()
        await asyncio.wait({waiting})
        await others.enter_async_context(gate.slot("m"))


async def test_a_request_cancelled_in_the_queue_leaves_it() -> None:
    gate = admission(queue=1)
    async with AsyncExitStack() as held:
        await take_all_slots(gate, held)
        for _ in range(3):
            waiting = asyncio.create_task(hold_slot(gate))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        waiting = asyncio.create_task(hold_slot(gate))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await hold_slot(gate)
        waiting.cancel()
        await asyncio.wait({waiting})


@pytest.mark.parametrize(("request_s", "config_s"), [(30, None), (None, 30), (30, 60), (60, 30)])
@skips_waits
async def test_the_lower_timeout_ends_a_running_and_a_queued_request(
    request_s: float | None, config_s: float | None
) -> None:
    gate = admission(timeout_s=config_s)
    with pytest.raises(TimedOut, match=r"after 30 s; lower"):
        await hold_slot(gate, request_s)
    async with AsyncExitStack() as held:
        if config_s != 30:
            await take_all_slots(gate, held)
            with pytest.raises(Busy, match=r"timed out after 30 s in the queue") as error:
                await hold_slot(gate, request_s)
            assert error.value.retry_after_s


async def test_a_timeout_error_from_inside_the_context_is_not_the_deadline() -> None:
    with pytest.raises(TimeoutError, match="another"):
        async with admission(timeout_s=60).slot("m"):
            raise TimeoutError("another")


async def test_close_ends_queued_requests_and_rejects_new_ones() -> None:
    gate = admission()
    async with AsyncExitStack() as held:
        await take_all_slots(gate, held)
        waiting = asyncio.create_task(hold_slot(gate))
        await asyncio.sleep(0)
        gate.close()
        assert isinstance(await error_of(waiting), ShuttingDown)
        with pytest.raises(ShuttingDown):
            await hold_slot(gate)


async def test_abort_ends_running_requests() -> None:
    gate = admission(timeout_s=60)
    running = asyncio.create_task(hold_slot(gate))
    await asyncio.sleep(0)
    gate.close()
    await asyncio.sleep(0)
    assert not running.done()
    gate.abort()
    gate.abort()
    assert isinstance(await error_of(running), ShuttingDown)
