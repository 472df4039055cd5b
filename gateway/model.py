"""A model that is loaded: a running worker, its template, its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.config import Entry
from gateway.desk import Desk
from gateway.engine.client import Engine
from gateway.engine.messages import Ready, Start
from gateway.prompt import Template
from gateway.said import Said
from gateway.use import Use
from gateway.wire.format import Format


class Worker(Engine, Protocol):
    """An engine with a life: what a `Client` is, and what a fake in the tests is."""

    @property
    def ready(self) -> Ready: ...

    @property
    def is_alive(self) -> bool: ...

    async def stop(self) -> None: ...


Launch = Callable[[Start], Awaitable[Worker]]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that answering a request takes.

    `tally` counts `answers`, `calls`, `noted`; `said` are the turns that it wrote. It is there as
    long as it is in `use`: `with model.use` is for whoever asks its engine.
    """

    name: str
    entry: Entry
    engine: Worker
    format: Format
    template: Template
    special: dict[str, int]
    tally: Counter[str] = field(default_factory=Counter)
    said: Said = field(default_factory=Said)
    desk: Desk = field(default_factory=Desk)
    use: Use = field(default_factory=Use)
