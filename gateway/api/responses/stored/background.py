"""Responses that are generated whether or not a client listens, and their streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial

from gateway.api.errors import record, unexpected
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.responses.stream import ResponseRenderer
from gateway.chat.json import Object
from gateway.errors import GatewayError, ShuttingDown, StoreUnavailable
from gateway.observe.metrics import Metrics
from gateway.observe.spans import Spans
from gateway.observe.trace import Trace, current, follow

BEAT_S = 1.0
MAX_FINISHED = 16  # whose events are kept, for clients that resume a stream

Objects = AsyncGenerator[Object, None]


@dataclass(eq=False)
class Run:
    """One response that is generated in the background; `events` are those of its stream so far.

    `save` stores the response when it has ended. It is tried again until the response `is_kept`.
    """

    owner: str
    renderer: ResponseRenderer
    save: Callable[[], Awaitable[None]]
    events: list[Object] = field(default_factory=list)
    is_over: bool = False
    is_kept: bool = False
    task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, after: int = -1) -> Objects:
        """Yields the events with a number above `after`, until the last one."""
        position = after + 1
        while True:
            news, unread = self._news, self.events[position:]
            position += len(unread)
            for event in unread:
                yield event
            if not unread and self.is_over:
                return
            if not unread:
                await news.wait()

    async def response(self) -> Object:
        """Returns the response as it is now; once it has ended, it is stored too."""
        while self.renderer.response.has_ended and not self.is_over:
            await self._news.wait()
        return self.renderer.response.object()

    async def generate(self, objects: Objects) -> None:
        """Reads all events; an error is the last one."""
        try:
            async with aclosing(objects):
                async for event in objects:
                    if self.renderer.response.has_ended:
                        await self.keep()
                    self._add([event])
            self._end()
        except GatewayError as error:
            await self._finish(self.renderer.failed(error))
            record(error)
        except Exception as error:
            await self._finish(self.renderer.failed(unexpected(error)))

    async def stop(self, last: Callable[[], Iterable[Object]]) -> None:
        """Ends the generation with the events that `last` makes, unless it has ended."""
        if self.task and not self.renderer.response.has_ended:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.renderer.response.has_ended:  # also if two callers stop it at once
            await self.response()
        else:
            await self._finish(last())

    async def keep(self) -> None:
        """Stores the response, unless it is stored or the database fails."""
        if not self.is_kept:
            with suppress(StoreUnavailable):
                await self.save()
                self.is_kept = True

    async def _finish(self, events: Iterable[Object]) -> None:
        self._add(events)
        try:
            await self.keep()
        finally:
            self._end()

    def _add(self, events: Iterable[Object]) -> None:
        self.events += events
        self._notify()

    def _end(self) -> None:
        self.is_over = True
        self._notify()

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class BackgroundRuns:
    """The runs of a gateway; those that are over are kept for a while.

    Other gateways see in the `store` what is in progress here, and end it there.
    """

    def __init__(self, metrics: Metrics, spans: Spans, store: ResponseStore):
        self._metrics = metrics
        self._spans = spans
        self._store = store
        self._runs: dict[str, Run] = {}

    def start(
        self,
        owner: str,
        renderer: ResponseRenderer,
        save: Callable[[], Awaitable[None]],
        objects: Objects,
    ) -> Run:
        """Starts to generate `objects`, the events of a response's stream."""
        run = Run(owner, renderer, save, [*renderer.queued()])
        self._runs[renderer.response.id] = run
        self._forget()
        if capture := current().capture:
            capture.hold()
        run.task = asyncio.create_task(self._traced(run, objects))
        return run

    def find(self, owner: str, id: str) -> Run | None:
        run = self._runs.get(id)
        return run if run and run.owner == owner else None

    async def delete(self, run: Run) -> None:
        await run.stop(run.renderer.cancelled)
        self._runs.pop(run.renderer.response.id, None)

    async def beat(self) -> None:
        """Says every BEAT_S what is in progress, and ends what other gateways have ended."""
        while True:
            await asyncio.sleep(BEAT_S)
            runs = {id: run for id, run in self._runs.items() if not run.is_kept}
            statuses = {id: run.renderer.response.status for id, run in runs.items()}
            if runs:
                with suppress(StoreUnavailable):
                    stored = await self._store.run(self._store.beat, statuses)
                    await asyncio.gather(*(self._settle(run, stored) for run in runs.values()))

    async def close(self) -> None:
        """Ends all runs."""
        await asyncio.gather(
            *(run.stop(partial(run.renderer.failed, ShuttingDown())) for run in self._runs.values())
        )
        self._runs.clear()

    async def _settle(self, run: Run, stored: Mapping[str, bool]) -> None:
        """Ends a run that is to be cancelled or not `stored` any more; keeps one that is over."""
        response = run.renderer.response
        if run.is_over:
            await run.keep()
        elif response.id not in stored and not response.has_ended:
            await self.delete(run)
        elif stored.get(response.id):
            await run.stop(run.renderer.cancelled)

    async def _traced(self, run: Run, objects: Objects) -> None:
        """Counts the answer when it is complete; the request ended long before."""
        asked = current()
        trace = Trace(
            asked.id,
            asked.method,
            asked.keeps_text,
            route=asked.route,
            model=asked.model,
            capture=asked.capture,
        )
        follow(trace)
        if trace.capture:
            trace.capture.timings = trace.timings
        try:
            await run.generate(objects)
        finally:
            trace.duration_s = time.monotonic() - trace.start_s
            self._metrics.answered(trace)
            self._spans.export(trace)
            if trace.capture:
                await trace.capture.release()

    def _forget(self) -> None:
        over = [id for id, run in self._runs.items() if run.is_over and run.is_kept]
        for id in over[:-MAX_FINISHED]:
            del self._runs[id]
