"""An event loop whose clock is injected: waits take no time.

Timeouts, keep-alives, watchdogs and polls run with their real durations, and a test of a wait of
20 s takes a millisecond, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")


def skips_waits(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an async test on a `SkippingLoop`; for tests without sockets and processes."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class SkippingLoop(asyncio.SelectorEventLoop):
    """When no task can run and no thread works for one, it is the time of the next timer."""

    def __init__(self) -> None:
        self._skipped_s = 0.0
        self._in_threads: set[asyncio.Future[Any]] = set()
        super().__init__(_Selector(self._skip))

    def time(self) -> float:
        return super().time() + self._skipped_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        work = super().run_in_executor(executor, func, *args)
        self._in_threads.add(work)
        work.add_done_callback(self._in_threads.discard)
        return work

    def _skip(self, wait_s: float) -> bool:
        if self._in_threads:
            return False
        self._skipped_s += wait_s
        return True


class _Selector(selectors.DefaultSelector):
    """Asks before it waits whether the wait is skipped."""

    def __init__(self, skip: Callable[[float], bool]):
        super().__init__()
        self._skip = skip

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0 or (timeout is not None and self._skip(timeout)):
            return ready
        return super().select(timeout)
