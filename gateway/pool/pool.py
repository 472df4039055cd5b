"""Runs work whose cost depends on what a client sent, in processes that are killed in time."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeVar

from gateway.pool.budget import Budget
from gateway.pool.process import Process
from gateway.pool.turns import Turns

SIZE = 2  # processes: one bomb leaves the other to everybody else

T = TypeVar("T")


class Runner(Protocol):
    """Runs one job after the other."""

    async def run(self, work: Callable[[], T]) -> T:
        """Returns the result of `work`; raises what it raises, OverBudget and NotStarted."""
        ...


class Pool(Protocol):
    """Lends runners, each to one borrower at a time."""

    def warm(self) -> None:
        """Prepares for the first job."""
        ...

    def runner(self, client: str = "") -> AbstractAsyncContextManager[Runner]:
        """A runner for the time of the context, once it is the turn of `client`."""
        ...

    async def close(self) -> None:
        """Ends all jobs."""
        ...


class ProcessPool:
    """Up to `SIZE` processes, each started when it is needed and kept, which import `modules`.

    Clients take turns.
    """

    def __init__(self, budget: Budget = Budget(), modules: tuple[str, ...] = ()):
        self._processes = [Process(budget, modules) for _ in range(SIZE)]
        self._free = [*self._processes]
        self._turns = Turns(SIZE)

    def warm(self) -> None:
        self._processes[0].warm()

    @asynccontextmanager
    async def runner(self, client: str = "") -> AsyncIterator[Runner]:
        async with self._turns.turn(client):
            process = max(self._free, key=lambda process: process.is_warm)
            self._free.remove(process)
            try:
                yield process
            finally:
                self._free.append(process)

    async def close(self) -> None:
        await asyncio.gather(*(process.close() for process in self._processes))


class InThisProcess:
    """Runs work on copies of its arguments in a thread, without a budget: for trusted input."""

    def warm(self) -> None:
        pass

    @asynccontextmanager
    async def runner(self, client: str = "") -> AsyncIterator[Runner]:
        yield self

    async def run(self, work: Callable[[], T]) -> T:
        copied: Callable[[], T] = pickle.loads(pickle.dumps(work))
        return await asyncio.to_thread(copied)

    async def close(self) -> None:
        pass
