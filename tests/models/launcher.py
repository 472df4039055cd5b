"""Scripted engines for a registry, and the entries that they are started for."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.config.load import Config, Entry
from gateway.engine.options import EngineOptions
from tests.fakes import REPO, Script, says


class Launcher:
    """Starts a new script each time, and counts."""

    def __init__(self, fails: Exception | None = None, **ready: Any):
        self.started: list[Script] = []
        self.asked: list[EngineOptions] = []
        self.fails = fails

    async def __call__(self, start: EngineOptions) -> Script:
        self.asked.append(start)
        await asyncio.sleep(0.01)
        if self.fails:
            raise self.fails
        self.started.append(Script([says("Hi")]))
        return self.started[-1]


def config(**entries: dict[str, Any]) -> Config:
    defaults = {"source": "models.yaml", "template": "smollm2", "format": "hermes"}
    models = {n: Entry.model_validate({**defaults, **entry}) for n, entry in entries.items()}
    return Config(models=models, folder=REPO)
