"""Scripted engines for a registry, and the entries that they are started for."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.config.load import Config, Entry
from gateway.engine.client import OnLoading, ignore
from gateway.engine.options import EngineOptions
from gateway.models.model import ChatModel
from gateway.models.registry import Registry
from tests.fakes import REPO, Script, scripted


class Launcher:
    """Starts a new script each time, and records the options."""

    def __init__(self, fails: Exception | None = None):
        self.started: list[Script] = []
        self.options: list[EngineOptions] = []
        self.fails = fails

    async def __call__(self, options: EngineOptions, on_loading: OnLoading = ignore) -> Script:
        self.options.append(options)
        await asyncio.sleep(0)
        if self.fails:
            raise self.fails
        self.started.append(Script([scripted("Hi")]))
        return self.started[-1]


def config(**entries: dict[str, Any]) -> Config:
    defaults = {"source": "models.yaml", "template": "smollm2", "format": "hermes"}
    models = {n: Entry.model_validate({**defaults, **entry}) for n, entry in entries.items()}
    return Config(models=models, folder=REPO)


async def load(registry: Registry, name: str) -> ChatModel:
    """Loads a model, and returns it without a lease."""
    async with registry.lease(name, ChatModel) as model:
        return model
