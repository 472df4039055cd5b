"""A model's place, from the start of its loading until its worker has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from gateway.config.load import Entry
from gateway.models.lease import Use
from gateway.models.model import Model

State = Literal["unloaded", "loading", "ready", "draining", "failed"]


@dataclass(frozen=True, slots=True)
class Status:
    """What a model is doing, and what is wrong with it if something is."""

    state: State
    reason: str = ""


class Seat:
    """`load` brings the model, and is told whose it will be."""

    def __init__(
        self,
        entry: Entry,
        load: Callable[[Seat], Coroutine[Any, Any, Model]],
        clock: Callable[[], float],
    ):
        self.entry = entry
        self.use = Use(clock)
        self._loading = asyncio.create_task(load(self))
        self._loading.add_done_callback(_seen)
        self._leaving: asyncio.Task[None] | None = None

    @property
    def model(self) -> Model | None:
        """The model, once it is loaded."""
        task = self._loading
        is_there = task.done() and not task.cancelled() and not task.exception()
        return task.result() if is_there else None

    @property
    def is_ready(self) -> bool:
        return not self.is_leaving and self.model is not None and self.model.engine.is_alive

    @property
    def is_loading(self) -> bool:
        return not self.is_leaving and not self._loading.done()

    @property
    def is_leaving(self) -> bool:
        return self._leaving is not None

    async def loaded(self) -> Model:
        """The model; whoever waits may give up, and it loads on."""
        return await asyncio.shield(self._loading)

    def leave(self) -> asyncio.Task[None]:
        """End the worker as soon as nobody uses it; it is not to be handed out any more."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())
        return self._leaving

    async def close(self) -> None:
        """End the worker now, whatever it is doing."""
        if self._leaving:
            self._leaving.cancel()
        await self._stop()

    async def _stop(self) -> None:
        self._loading.cancel()
        await asyncio.wait({self._loading})
        if self.model:
            await self.model.engine.stop()

    async def _leave(self) -> None:
        if self.model is None or self.model.engine.is_alive:
            await self.use.idle()
        await self._stop()


def _seen(task: asyncio.Task[Model]) -> None:
    """A failure is told to whoever waits for it; there may be nobody."""
    if not task.cancelled():
        task.exception()
