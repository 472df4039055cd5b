"""Requests wait for a place, for so long and no longer, and are told when it is over."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.admission.admission import SLOTS, Admission
from gateway.config.load import Config
from gateway.errors import Busy, GatewayError, ShuttingDown, TimedOut
from tests.fakes import config


def admission(queue: int = 4, **settings: Any) -> Admission:
    return Admission(Config.model_validate({**dict(config(queue=queue)), **settings}))


async def full(admission: Admission, held: AsyncExitStack) -> None:
    await held.enter_async_context(admission.place("m", slots=SLOTS))


async def stay(admission: Admission, timeout_s: float | None = None) -> None:
    async with admission.place("m", timeout_s=timeout_s):
        await asyncio.Event().wait()


async def refusal(stay: asyncio.Task[None]) -> GatewayError:
    with pytest.raises(GatewayError) as error:
        await stay
    return error.value


async def test_a_change_holds_for_who_comes_then() -> None:
    door = admission(queue=0)
    async with AsyncExitStack() as held:
        await full(door, held)
        with pytest.raises(Busy):
            await stay(door)
        door.change(Config.model_validate({**dict(config(queue=1)), "timeout_s": 0.01}))
        waiting = asyncio.create_task(stay(door))
        assert isinstance(await refusal(waiting), Busy)
        assert "0.01 s" in str(waiting.exception())


async def test_a_place_that_is_left_is_given_to_who_waits() -> None:
    door = admission()
    async with AsyncExitStack() as held:
        await full(door, held)
        waiting = asyncio.create_task(stay(door))
        await asyncio.sleep(0)
    async with asyncio.timeout(5), AsyncExitStack() as others:
        for _ in range(SLOTS - 1):  # the last slot is taken
            await others.enter_async_context(door.place("m"))
        waiting.cancel()
        await asyncio.wait({waiting})
        await others.enter_async_context(door.place("m"))


async def test_who_is_cancelled_while_waiting_leaves_the_queue() -> None:
    door = admission(queue=1)
    async with AsyncExitStack() as held:
        await full(door, held)
        for _ in range(3):
            waiting = asyncio.create_task(stay(door))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        waiting = asyncio.create_task(stay(door))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await stay(door)
        waiting.cancel()
        await asyncio.wait({waiting})


@pytest.mark.parametrize(
    ("own_s", "general_s"), [(0.01, None), (None, 0.01), (0.01, 60), (60, 0.01)]
)
async def test_who_is_not_done_in_time_is_told(
    own_s: float | None, general_s: float | None
) -> None:
    door = admission(timeout_s=general_s)
    with pytest.raises(TimedOut, match=r"within 0.01 s; ask for less"):
        await stay(door, own_s)
    async with AsyncExitStack() as held:
        if general_s != 0.01:
            await full(door, held)
            with pytest.raises(Busy, match=r"the 0.01 s .* went by in the queue") as error:
                await stay(door, own_s)
            assert error.value.retry_after_s


async def test_a_timeout_of_what_is_done_inside_is_no_deadline() -> None:
    with pytest.raises(TimeoutError, match="another"):
        async with admission(timeout_s=60).place("m"):
            raise TimeoutError("another")


async def test_at_the_end_who_waits_is_told_and_who_is_in_may_finish() -> None:
    door = admission()
    async with AsyncExitStack() as held:
        await full(door, held)
        waiting = asyncio.create_task(stay(door))
        await asyncio.sleep(0)
        door.close()
        assert isinstance(await refusal(waiting), ShuttingDown)
        with pytest.raises(ShuttingDown):
            await stay(door)


async def test_at_the_very_end_who_is_in_is_told_too() -> None:
    door = admission(timeout_s=60)
    running = asyncio.create_task(stay(door))
    await asyncio.sleep(0)
    door.close()
    await asyncio.sleep(0)
    assert not running.done()
    door.end()
    door.end()
    assert isinstance(await refusal(running), ShuttingDown)
