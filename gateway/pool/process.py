"""The gateway's side of one process of a pool."""

from __future__ import annotations

import asyncio
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from gateway.child import Child
from gateway.pool.budget import Budget, OverBudget
from gateway.pool.frames import LENGTH, frame
from gateway.pool.steps import Step

MAX_SLOWDOWN = 20  # seconds of a job for each of CPU time: a busy machine gives a process a share

T = TypeVar("T")


class _Killed(OverBudget):
    """Somebody killed the process, such as a system that is out of memory."""


class NotStarted(Exception):
    """A process could not be started, such as for lack of memory."""


class Process:
    """Runs jobs one by one, with `modules` imported before the first one."""

    def __init__(self, budget: Budget, modules: tuple[str, ...] = ()):
        self._budget = budget
        self._modules = modules
        self._started: asyncio.Task[Child] | None = None
        self._is_closed = False
        self._ending: set[asyncio.Task[int]] = set()  # of processes that were killed
        self._step = Step("", 0)  # of the current job, the latest

    @property
    def is_warm(self) -> bool:
        """Whether a job need not wait for the process to start."""
        return self._started is not None and self._started.done()

    def warm(self) -> None:
        """Starts the process if none is running."""
        self._started = self._started or asyncio.create_task(self._start())

    async def run(self, work: Callable[[], T]) -> T:
        """Returns the result of `work`, which can be pickled; raises what it raises.

        Raises OverBudget if that takes more than the budget, and NotStarted. Cancelling kills the
        process; another one is started for the next job. If somebody else kills the process, also
        while it starts, `work` runs once more.
        """
        job = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
        try:
            outcome = await self._outcome(job)
        except (_Killed, NotStarted):
            outcome = await self._outcome(job)
        if isinstance(outcome, BaseException):
            raise outcome
        return cast(T, outcome)

    async def close(self) -> None:
        """Kills the process, whatever it is doing, also while it starts."""
        self._is_closed = True
        await asyncio.gather(*self._ending)
        if self._started is None:
            return
        self._started.cancel()
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            child = await self._started
            child.kill()
            await child.finish()

    async def _outcome(self, job: bytes) -> object:
        """The result of a job, or the exception that it raised."""
        child = await self._ready()
        is_done, self._step = False, Step("", 0)
        with child.working_for_caller():
            try:
                async with asyncio.timeout(MAX_SLOWDOWN * self._budget.cpu_s):
                    outcome = await self._asked(child.process, job)
                is_done = True
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise self._death(await child.finish()) from error
            except TimeoutError as error:
                raise OverBudget("it took too long") from error
            finally:
                if not is_done:
                    child.kill()
                    ending = asyncio.create_task(child.finish())
                    self._ending.add(ending)
                    ending.add_done_callback(self._ending.discard)
                    self._started = None
                    if not self._is_closed:
                        self.warm()
        return outcome

    async def _ready(self) -> Child:
        self.warm()
        assert self._started
        try:
            return await asyncio.shield(self._started)
        except (asyncio.IncompleteReadError, OSError) as error:
            self._started = None
            raise NotStarted(f"a process could not be started: {error}") from error

    async def _start(self) -> Child:
        child = await Child.start("gateway.pool", *self._modules)
        assert child.process.stdin
        try:
            child.process.stdin.write(frame(pickle.dumps(self._budget)))
            await _received(child.process)
        except BaseException:
            child.kill()
            await child.finish()
            raise
        return child

    async def _asked(self, process: asyncio.subprocess.Process, job: bytes) -> object:
        assert process.stdin
        process.stdin.write(frame(job))
        await process.stdin.drain()
        while isinstance(received := await _received(process), Step):
            self._step = received
        return received

    def _death(self, status: int) -> OverBudget:
        """What the end of the process with an exit status means."""
        if status == -signal.SIGPROF:
            over = OverBudget(f"it takes more than {self._budget.cpu_s:g} s of CPU time")
            if self._step.left_s >= self._budget.cpu_s / 4:
                over.step = self._step.name
            return over
        kind = _Killed if status == -signal.SIGKILL else OverBudget
        return kind(f"its process ended with status {status}")


async def _received(process: asyncio.subprocess.Process) -> object:
    assert process.stdout
    head = await process.stdout.readexactly(LENGTH.size)
    return pickle.loads(await process.stdout.readexactly(*LENGTH.unpack(head)))
