"""The lifecycle of one model, from the start of loading until its engine has stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.config.load import Entry
from gateway.errors import ShuttingDown
from gateway.models.lease import Leases
from gateway.models.model import Model
from gateway.models.progress import LoadProgress


class State(StrEnum):
    """What a model is doing, as /health and /metrics show it.

    | state    | event                                     | next state                         |
    |----------|-------------------------------------------|------------------------------------|
    | unloaded | a request, or preloading                  | loading                            |
    | loading  | the engine is ready                       | ready                              |
    | loading  | loading fails                             | failed                             |
    | loading  | models.yaml changes                       | draining                           |
    | ready    | its memory is needed, it is idle for long | draining                           |
    | ready    | models.yaml changes                       | draining                           |
    | ready    | the worker dies                           | unloaded                           |
    | draining | the last lease ends                       | unloaded                           |
    | failed   | a request, after the backoff              | loading                            |
    | failed   | it is preloaded, and a retry can help     | loading                            |

    A model that is draining serves the leases that it has; a new request loads the model again,
    with a handle of its own.
    """

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """A model's state; if something is wrong, the reason; while it loads, how far it is."""

    state: State
    reason: str = ""
    progress: LoadProgress | None = None


class ModelHandle:
    """Loads a model with `load`, then holds it until its last lease ends.

    A handle goes through loading, ready, draining and unloaded, or fails, once; see `State`.
    """

    def __init__(
        self,
        entry: Entry,
        load: Callable[[ModelHandle], Coroutine[Any, Any, Model]],
        clock: Callable[[], float],
    ):
        self.entry = entry
        self.leases = Leases(clock)
        self.model: Model | None = None
        self.progress: LoadProgress | None = None  # while it loads
        self._state = State.LOADING
        self._loading = asyncio.create_task(self._load(load))
        self._loading.add_done_callback(_retrieve)
        self._draining: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        if self._state is State.READY and self.model and not self.model.engine.is_alive:
            return State.UNLOADED
        return self._state

    async def loaded(self) -> Model:
        """Returns the model when it is loaded; cancelling the wait does not cancel loading.

        Raises ShuttingDown if the gateway shuts down before, and what loading raises.
        """
        try:
            return await asyncio.shield(self._loading)
        except asyncio.CancelledError:
            if self._loading.cancelled():
                raise ShuttingDown() from None
            raise

    def stop_loading(self) -> None:
        """Ends the loading, if it has not ended yet."""
        self._loading.cancel()

    def drain(self) -> asyncio.Task[None]:
        """Stops the engine when the last lease has ended; the task is done after that."""
        if self._draining is None:
            is_dead = self.state is State.UNLOADED
            self._state = State.DRAINING
            self._draining = asyncio.create_task(self._drain(is_dead))
        return self._draining

    async def close(self) -> None:
        """Stops the engine now, whatever it is doing."""
        if self._draining:
            self._draining.cancel()
        await self._stop()

    async def _load(self, load: Callable[[ModelHandle], Coroutine[Any, Any, Model]]) -> Model:
        try:
            self.model = await load(self)
        except Exception:
            self._leave_loading(State.FAILED)
            raise
        self._leave_loading(State.READY)
        return self.model

    def _leave_loading(self, state: State) -> None:
        self.progress = None
        if self._state is State.LOADING:  # else it is draining already
            self._state = state

    async def _drain(self, is_dead: bool) -> None:
        if not is_dead:
            await self.leases.wait_idle()
        await self._stop()

    async def _stop(self) -> None:
        self._loading.cancel()
        await asyncio.wait({self._loading})
        self._state = State.UNLOADED
        if self.model:
            await self.model.engine.stop()


def _retrieve(task: asyncio.Task[Model]) -> None:
    """Marks a failure as retrieved: it is raised for each request that waits, or for none."""
    if not task.cancelled():
        task.exception()
