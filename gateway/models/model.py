"""A model that is loaded: a running worker, its template, its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.config.load import Entry
from gateway.desk import Desk
from gateway.engine.client import Engine
from gateway.engine.protocol import Ready, Start, Stats
from gateway.prompt.template import Template
from gateway.remote.engine import Remote
from gateway.chat.request import Request
from gateway.prompt.verbatim import Said
from gateway.models.lease import Use
from gateway.formats.format import Format


class Worker(Engine, Protocol):
    """An engine with a life: what a `Client` is, and what a fake in the tests is."""

    @property
    def ready(self) -> Ready: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def stats(self) -> Stats: ...

    @property
    def resident_bytes(self) -> int: ...

    async def stop(self) -> None: ...


Launch = Callable[[Start], Awaitable[Worker]]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that answering a request takes. One for embeddings has no format and no template.

    `tally` counts `answers`, `calls`, `noted`, `regenerated`; `said` are the turns that it wrote.
    It is there as long as it is in `use`: `with model.use` is for whoever asks its engine.
    """

    name: str
    entry: Entry
    engine: Worker
    format: Format | None
    template: Template | None
    special: dict[str, int]
    tally: Counter[str] = field(default_factory=Counter)
    said: Said = field(default_factory=Said)
    desk: Desk = field(default_factory=Desk)
    use: Use = field(default_factory=Use)

    def engine_for(self, request: Request, begun: str) -> Engine:
        """What writes an answer to `request`: another than `engine` if no grammar holds that."""
        if isinstance(self.engine, Remote):
            assert self.format, "an entry with a remote engine names one"
            return self.engine.checked(request, self.format, begun, self.tally)
        return self.engine
