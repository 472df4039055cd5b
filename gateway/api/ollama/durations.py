"""How long a request took, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

from gateway.api.serving import Events, Generate
from gateway.chat.events import Started
from gateway.chat.json import Object
from gateway.models.model import ChatModel


class Durations:
    """The durations of a request in nanoseconds.

    First it waits for its turn and for the model to load, then its prompt is read, then the answer
    is generated. `clock` is in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns):
        self._clock = clock
        self._received = clock()
        self._loaded: int | None = None
        self._first: int | None = None

    async def measured(self, generate: Generate, model: ChatModel) -> Events:
        """Returns the events that `generate` makes, and notes when they arrive."""
        self._loaded = self._clock()
        return self._noted(await generate(model))

    def until_now(self) -> Object:
        """Returns the fields with the durations; a part that has not begun yet took no time."""
        now = self._clock()
        loaded = now if self._loaded is None else self._loaded
        first = now if self._first is None else self._first
        return {
            "total_duration": now - self._received,
            "load_duration": loaded - self._received,
            "prompt_eval_duration": first - loaded,
            "eval_duration": now - first,
        }

    async def _noted(self, events: Events) -> Events:
        async with aclosing(events):
            async for index, event in events:
                if self._first is None and not isinstance(event, Started):
                    self._first = self._clock()
                yield index, event
