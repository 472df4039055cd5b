"""The models of models.yaml, and those of them that are loaded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from gateway.concurrency import Serializer
from gateway.config.load import Config, Entry
from gateway.engine.client import Client
from gateway.engine.engine import Engine
from gateway.errors import ModelNotFound, RemoteFailed
from gateway.formats.families import FAMILIES
from gateway.models.backoff import Backoff, back_off
from gateway.models.handle import ModelHandle, State, Status
from gateway.models.loader import EstimateMemory, Launch, Loader
from gateway.models.memory_budget import MemoryBudget, budget_bytes
from gateway.models.model import (
    Capabilities,
    ChatModel,
    M,
    Model,
    capabilities,
    check_kind,
)
from gateway.observe.metrics import Metrics
from gateway.pool.pool import InThisProcess, Pool

log = logging.getLogger("gateway")


class Resolved(NamedTuple):
    """A model's own name, and its entry."""

    name: str
    entry: Entry


class Registry:
    """Loads models for requests, and unloads them when others need their memory.

    `launch` starts a worker; `estimate_memory` returns the memory that one needs; without it
    all models may be loaded. `pool` compiles the schemas of clients. The state changes only between
    two awaits, so it is consistent for every task.
    """

    def __init__(
        self,
        config: Config,
        launch: Launch = Client.start,
        estimate_memory: EstimateMemory | None = None,
        pool: Pool | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        metrics: Metrics | None = None,
    ):
        self.config = config
        self.metrics = metrics or Metrics()
        self.serializer = Serializer()
        self.pool = pool or InThisProcess()
        self.config_error: str | None = None  # why a changed models.yaml was not applied
        self.memory = MemoryBudget(budget_bytes(config.memory_mb), self._evict)
        self._loader = Loader(launch, estimate_memory, self.memory)
        self._clock = clock
        self._handles: dict[str, ModelHandle] = {}
        self._draining: dict[ModelHandle, str] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._tallies: dict[str, Counter[str]] = {}

    def resolve(self, name: str) -> Resolved:
        """Returns the model with this name or alias; raises ModelNotFound."""
        own_name = self.config.name_of(name)
        if own_name is None:
            known = ", ".join(repr(known) for known in self.config.models)
            raise ModelNotFound(f"no model {name!r}; models.yaml has {known}", param="model")
        return Resolved(own_name, self.config.models[own_name])

    @asynccontextmanager
    async def lease(self, name: str, kind: type[M]) -> AsyncIterator[M]:
        """The model, loaded, which is not stopped within the context.

        Raises ModelNotFound, BadRequest for a model that is not of `kind`, and ModelUnusable.
        models.yaml may have changed since the name was resolved, so both are checked here.
        """
        name, entry = self.resolve(name)
        check_kind(name, entry, kind)
        handle = self._handle(name, entry)
        with handle.leases.hold():
            model = await handle.loaded()
            assert isinstance(model, kind)
            yield model if model.entry is entry else replace(model, entry=entry)

    def status(self, name: str) -> Status:
        """Returns the state of a model and, if something is wrong, the reason."""
        handle = self._handles.get(name)
        if handle and handle.state in (State.READY, State.LOADING):
            return Status(handle.state, progress=handle.progress)
        if name in self._draining.values():
            return Status(State.DRAINING)
        if backoff := self._backoffs.get(name):
            return Status(State.FAILED, backoff.reason)
        died = "its worker died; the next request starts another"
        return Status(State.UNLOADED, died if handle else "")

    def model(self, name: str) -> Model | None:
        """Returns the model if it is ready."""
        handle = self._handles.get(name)
        return handle.model if handle and handle.state is State.READY else None

    def is_loaded(self, name: str) -> bool:
        return self.model(name) is not None

    def memory_bytes(self, name: str) -> int:
        """Returns the memory that a model holds, as it was estimated; 0 if it is not loaded."""
        handle = self._handles.get(name)
        return self.memory.held_by(handle) if handle else 0

    def engines(self) -> dict[str, Engine]:
        """Returns the engines of the models that are ready, by name."""
        models = ((name, self.model(name)) for name in self._handles)
        return {name: model.engine for name, model in models if model}

    def format_name(self, name: str) -> str | None:
        """Returns the name of a model's format; None if it is unknown before loading."""
        model = self.model(name)
        if isinstance(model, ChatModel):
            return model.format.name
        return self.config.models[name].format

    def capabilities(self, name: str) -> Capabilities:
        """Returns what clients can ask of a model, as far as it is known before loading."""
        model, entry = self.model(name), self.config.models[name]
        if isinstance(model, ChatModel):
            return capabilities(entry, model.format, model.template)
        return capabilities(entry, FAMILIES.get(entry.format or ""), None)

    def tallies(self) -> dict[str, dict[str, int]]:
        """Returns the counts of answers and calls of each model that has been loaded, by name."""
        return {name: dict(tally) for name, tally in self._tallies.items()}

    def preload(self) -> None:
        """Starts to load the models that models.yaml preloads."""
        for name, entry in self.config.models.items():
            if entry.preload and name not in self._handles and name not in self._backoffs:
                self._handle(name, entry)

    def reload_failed(self) -> None:
        """Loads preloaded models again whose failure may have passed, as no request may come."""
        for name, backoff in [*self._backoffs.items()]:
            entry = self.config.models.get(name)
            is_due = backoff.may_reload(self._clock()) and name not in self._handles
            if entry and entry.preload and is_due:
                self._handle(name, entry)

    def change(self, config: Config) -> None:
        """Applies another config; models whose entry loads the same stay loaded."""
        before, self.config, self.config_error = self.config, config, None
        for name, entry in before.models.items():
            if not entry.loads_like(config.models.get(name)) or before.folder != config.folder:
                self._backoffs.pop(name, None)
                if handle := self._handles.get(name):
                    self._drain(handle)
        for name, handle in self._handles.items():
            handle.entry = config.models[name]
        self.memory.resize(budget_bytes(config.memory_mb))
        self.preload()

    def unload_idle(self) -> None:
        """Unloads the models that have been idle for their `idle_s`."""
        for handle in [*self._handles.values()]:
            idle_s = handle.entry.idle_s
            if not idle_s or handle.entry.pinned or handle.state is not State.READY:
                continue
            if self._clock() - handle.leases.last_used_s >= idle_s:
                self._evict(handle)

    async def unload(self, name: str) -> None:
        """Unloads the model with this name; returns when its requests have finished.

        A later request loads it again, also during the wait.
        """
        if handle := self._handles.get(name):
            self._drain(handle)
        if drains := [handle.drain() for handle, own in self._draining.items() if own == name]:
            await asyncio.wait(drains)

    def stop_loading(self) -> None:
        """Ends the loading of all models, as the gateway shuts down."""
        for handle in (*self._handles.values(), *self._draining):
            handle.stop_loading()

    async def close(self) -> None:
        """Stops all engines, whatever they are doing."""
        handles = [*self._handles.values(), *self._draining]
        await asyncio.gather(*(handle.close() for handle in handles))
        self._handles.clear()

    def _handle(self, name: str, entry: Entry) -> ModelHandle:
        """Returns the handle of a model that is ready or loading, a new one if necessary."""
        handle = self._handles.get(name)
        if handle and handle.state in (State.READY, State.LOADING):
            return handle
        if backoff := self._backoffs.get(name):
            backoff.check(self._clock())
        if handle:  # its worker has died
            self.metrics.restarted(name)
            self._drain(handle)
        self._handles[name] = ModelHandle(entry, partial(self._load, name, entry), self._clock)
        return self._handles[name]

    def _evict(self, handle: ModelHandle) -> None:
        """Unloads a model for others, or because it is idle."""
        self.metrics.evicted(self._drain(handle))

    def _drain(self, handle: ModelHandle) -> str:
        """Starts to unload a model, which gets no new leases; returns its name."""
        [name] = [name for name, own in self._handles.items() if own is handle]
        del self._handles[name]
        self._draining[handle] = name
        log.info("unloading %s after its requests finish", name)
        handle.drain().add_done_callback(lambda _: self._drained(handle))
        return name

    def _drained(self, handle: ModelHandle) -> None:
        del self._draining[handle]
        self.memory.release(handle)

    async def _load(self, name: str, entry: Entry, handle: ModelHandle) -> Model:
        tally, start_s = self._tallies.get(name, Counter()), self._clock()
        try:
            with self.metrics.loading(name):
                model = await self._loader.load(name, entry, self.config.folder, handle, tally)
        except Exception as error:
            self.memory.release(handle)
            self._note_failure(name, handle, error)
            raise
        self._backoffs.pop(name, None)
        self._tallies[name] = tally
        handle.leases.touch()
        self.memory.notify()
        if isinstance(model, ChatModel):
            model = replace(model, pool=self.pool)
        _log_ready(name, model, self._clock() - start_s)
        return model

    def _note_failure(self, name: str, handle: ModelHandle, error: Exception) -> None:
        if self._handles.get(name) is handle:
            del self._handles[name]
            before = self._backoffs.get(name)
            self._backoffs[name] = back_off(error, before, self._clock())
        level = logging.WARNING if isinstance(error, RemoteFailed) else logging.ERROR
        log.log(level, "loading %s failed: %s", name, error)


def _log_ready(name: str, model: Model, seconds: float) -> None:
    """Logs what computes a model that is ready, and which of its settings have no effect."""
    if isinstance(model, ChatModel) and (quirks := str(model.template.quirks)):
        log.info("%s: its chat template requires %s", name, quirks)
    info, entry = model.engine.info, model.entry
    facts = (info.compute or info.description, info.weights, f"context {info.context}")
    log.info("%s is ready: %s, loaded in %.1f s", name, ", ".join(filter(None, facts)), seconds)
    asked = entry.gpu_layers if "gpu_layers" in entry.model_fields_set else 0
    if asked and info.compute and not info.offloaded_layers:
        log.warning(
            "%s: `gpu_layers: %d` has no effect, as llama.cpp finds no GPU; `tool-gateway doctor`"
            " says why",
            name,
            asked,
        )
