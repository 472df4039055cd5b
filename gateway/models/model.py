"""A model that is loaded: a running worker, its template, its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.concurrency import Serializer
from gateway.config.load import Entry
from gateway.engine.client import Engine
from gateway.engine.protocol import Ready, Start, Stats
from gateway.formats.format import Format
from gateway.models.lease import Use
from gateway.prompt.template import Template
from gateway.prompt.verbatim import Said


class Worker(Engine, Protocol):
    """An engine with a life: what a `Client` is, and what a fake in the tests is."""

    @property
    def enforces_grammar(self) -> bool:
        """Whether it generates only what `Generate.grammar` admits."""
        ...

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
    serializer: Serializer = field(default_factory=Serializer)
    use: Use = field(default_factory=Use)
