"""Work in processes that are killed when it takes more than its budget."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from gateway.pool.budget import Budget, OverBudget
from gateway.pool.pool import SIZE, ProcessPool
from gateway.pool.process import NotStarted
from tests.fakes import until

ENDLESS = partial(all, count(1))
LARGE = partial(bytearray, 2**30)

T = TypeVar("T")


@asynccontextmanager
async def running(budget: Budget = Budget(0.3, 256)) -> AsyncIterator[ProcessPool]:
    pool = ProcessPool(budget)
    try:
        yield pool
    finally:
        await pool.close()


async def run(pool: ProcessPool, work: Callable[[], T]) -> T:
    async with pool.runner() as runner:
        return await runner.run(work)


async def test_work_runs_in_another_process_which_is_kept() -> None:
    async with running() as pool:
        first = await run(pool, os.getpid)
        assert first != os.getpid()
        assert await run(pool, os.getpid) == first


async def test_what_work_raises_is_raised() -> None:
    async with running() as pool:
        with pytest.raises(ValueError, match="invalid literal"):
            await run(pool, partial(int, "x"))


async def test_work_that_takes_too_much_cpu_time_is_killed() -> None:
    async with running() as pool:
        with pytest.raises(OverBudget, match=r"more than 0\.3 s of CPU time"):
            await run(pool, ENDLESS)
        assert await run(pool, partial(int, "3")) == 3


SPEND = """
import time
from gateway.pool.steps import begin_step, spend_half

def spend(seconds):
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        pass
"""


@pytest.mark.parametrize(("first_s", "step"), [(0, "second"), (60, "first"), (0.35, "")])
async def test_the_step_that_takes_most_of_the_budget_is_known(first_s: float, step: str) -> None:
    steps = f"begin_step('first')\nspend({first_s})\nbegin_step('second')\nspend(60)"
    async with running(Budget(0.4, 256)) as pool:
        with pytest.raises(OverBudget) as over:
            await run(pool, partial(exec, SPEND + steps, {}))
        assert over.value.step == step
        with pytest.raises(OverBudget) as later:
            await run(pool, ENDLESS)
        assert later.value.step == ""


async def test_a_job_may_halve_its_budget() -> None:
    async with running(Budget(0.6, 256)) as pool:
        await run(pool, partial(exec, SPEND + "spend(0.4)", {}))
        with pytest.raises(OverBudget):
            await run(pool, partial(exec, SPEND + "spend_half()\nspend(0.4)", {}))


async def test_the_budget_is_of_each_piece_of_work() -> None:
    async with running() as pool:
        work = partial(sum, range(2_000_000))
        assert len({await run(pool, work) for _ in range(20)}) == 1


async def test_work_that_takes_too_much_memory_is_over_budget() -> None:
    async with running() as pool:
        with pytest.raises(OverBudget, match="memory"):
            await run(pool, LARGE)
        assert await run(pool, partial(int, "3")) == 3


async def test_work_whose_process_dies_is_over_budget() -> None:
    async with running() as pool:
        with pytest.raises(OverBudget, match="status 9"):
            await run(pool, partial(os._exit, 9))


async def test_work_whose_process_somebody_kills_runs_again(tmp_path: Path) -> None:
    async with running() as pool:
        os.kill(await run(pool, os.getpid), signal.SIGKILL)
        assert await run(pool, partial(int, "3")) == 3
        kill_itself = partial(exec, "import os; os.kill(os.getpid(), 9)")
        with pytest.raises(OverBudget, match="status -9"):
            await run(pool, kill_itself)
        assert await run(pool, partial(int, "3")) == 3


async def test_work_runs_although_somebody_kills_the_process_while_it_starts() -> None:
    async with running() as pool:
        work = asyncio.create_task(run(pool, partial(int, "3")))
        await until(lambda: psutil.Process().children())
        psutil.Process().children()[0].kill()
        assert await work == 3


async def test_work_whose_process_does_not_start() -> None:
    pool = ProcessPool(Budget(0.3, 256), modules=("missing_module",))
    with pytest.raises(NotStarted):
        await run(pool, os.getpid)
    await pool.close()


async def test_cancelling_kills_the_process(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with running(Budget(60, 256)) as pool:
        pid = await run(pool, os.getpid)
        work = partial(exec, f"open({str(begun)!r}, 'w')\nwhile True: pass")
        endless = asyncio.create_task(run(pool, work))
        await until(begun.exists)
        endless.cancel()
        await asyncio.wait({endless})
        await until(lambda: not is_running(pid))
        assert await run(pool, os.getpid) != pid


async def test_each_process_has_one_borrower_and_others_wait() -> None:
    async with running() as pool, pool.runner() as one, pool.runner() as two:
        assert one is not two
        third = asyncio.create_task(run(pool, os.getpid))
        assert SIZE == 2
        await asyncio.sleep(0.01)
        assert not third.done()
        third.cancel()


async def test_clients_take_turns_whatever_one_of_them_has_sent() -> None:
    served = list[str]()

    async def serve(client: str) -> None:
        async with pool.runner(client):
            served.append(client)
            await asyncio.sleep(0)

    async with running() as pool:
        asked = ["busy"] * 20 + ["a", "b", "a"]
        await asyncio.gather(*map(serve, asked))
    assert sorted(served) == sorted(asked)
    assert served[:7] == ["busy", "busy", "busy", "a", "b", "busy", "a"]


async def test_a_request_that_is_cancelled_while_it_waits_leaves_no_trace() -> None:
    async with running() as pool:
        async with pool.runner(), pool.runner():
            waiting = asyncio.create_task(run(pool, os.getpid))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        async with pool.runner(), pool.runner():
            pass


async def test_closing_ends_all_processes() -> None:
    async with running() as pool:
        pid = await run(pool, os.getpid)
    assert not is_running(pid)


async def test_closing_waits_for_a_process_whose_work_was_cancelled() -> None:
    async with running(Budget(60, 256)) as pool:
        pid = await run(pool, os.getpid)
        endless = asyncio.create_task(run(pool, ENDLESS))
        await asyncio.sleep(0.05)
        endless.cancel()
        await asyncio.wait({endless})
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("is_running", [False, True])
async def test_a_pool_is_closed_while_a_process_starts(is_running: bool) -> None:
    pool = ProcessPool(Budget(0.3, 256))
    pool.warm()
    if is_running:
        await asyncio.sleep(0)
    await pool.close()
    assert psutil.Process().children() == []
