"""Model name -> ready model: a running worker, its template, its format."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.concurrency import Serializer
from gateway.config.load import Config, Entry
from gateway.engine.client import Client
from gateway.engine.engine import Engine, WorkerEngine
from gateway.engine.options import EngineOptions
from gateway.errors import ConfigError, ModelNotFound, ModelUnusable, RemoteFailed
from gateway.formats.families import FAMILIES
from gateway.models.backoff import Failure, failed
from gateway.models.build import chat_model, connect, engine_options, locate_files, model_of
from gateway.models.handle import Seat, Status
from gateway.models.memory_budget import Memory, in_bytes
from gateway.models.memory_estimate import Footprint
from gateway.models.model import Capabilities, ChatModel, Launch, Model, capabilities
from gateway.observe.metrics import Metrics
from gateway.observe.trace import current

log = logging.getLogger("gateway")

Weigh = Callable[[EngineOptions], Footprint]


class Registry:
    """Loads models when they are asked for, and unloads them when others need their memory.

    `weigh` says how much of it one will take; without that, all may be loaded. What is here is
    changed between two awaits only, so that nobody finds it half done.
    """

    def __init__(
        self,
        config: Config,
        launch: Launch = Client.start,
        weigh: Weigh | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        metrics: Metrics | None = None,
    ):
        self.config = config
        self.metrics = metrics or Metrics()
        self.serializer = Serializer()
        self.refusal: str | None = None  # why a changed models.yaml is not in force
        self.memory = Memory(in_bytes(config.memory_mb), self._evict)
        self._launch = launch
        self._weigh = weigh
        self._clock = clock
        self._seats: dict[str, Seat] = {}
        self._leaving: dict[Seat, str] = {}
        self._failures: dict[str, Failure] = {}
        self._tallies: dict[str, Counter[str]] = {}

    def entry(self, name: str) -> tuple[str, Entry]:
        """The entry that `name` means, and its own name; raises ModelNotFound."""
        own = self.config.name_of(name)
        if own is None:
            known = ", ".join(repr(known) for known in self.config.models)
            raise ModelNotFound(f"no model {name!r}; models.yaml has {known}", param="model")
        current().model = own
        return own, self.config.models[own]

    async def get(self, name: str) -> Model:
        """The model, loaded, to go into its `use` with; raises ModelNotFound and ModelUnusable."""
        name, entry = self.entry(name)
        seat = self._seat(name, entry)
        with seat.use.waiting():
            model = await seat.loaded()
            seat.use.hand()
        return model if model.entry is entry else replace(model, entry=entry)

    def status(self, name: str) -> Status:
        """What the model is doing, and what is wrong with it if something is."""
        seat = self._seats.get(name)
        if seat and seat.is_ready:
            return Status("ready")
        if seat and seat.is_loading:
            return Status("loading")
        if name in self._leaving.values():
            return Status("draining")
        if failure := self._failures.get(name):
            return Status("failed", failure.reason)
        return Status("unloaded", "its worker died; the next request gets a new one" * bool(seat))

    def model(self, name: str) -> Model | None:
        """The model, if it is ready."""
        seat = self._seats.get(name)
        return seat.model if seat and seat.is_ready else None

    def is_loaded(self, name: str) -> bool:
        return self.model(name) is not None

    def engines(self) -> dict[str, Engine]:
        """The engines of those that are ready, by their models' names."""
        models = ((name, self.model(name)) for name in self._seats)
        return {name: model.engine for name, model in models if model}

    def format_of(self, name: str) -> str | None:
        """The name of the model's format; None if that is not known before it is loaded."""
        model = self.model(name)
        if isinstance(model, ChatModel):
            return model.format.name
        return self.config.models[name].format

    def capabilities(self, name: str) -> Capabilities:
        """What can be asked of the model, as far as that is known before it is loaded."""
        model, entry = self.model(name), self.config.models[name]
        if isinstance(model, ChatModel):
            return capabilities(entry, model.format, model.template)
        return capabilities(entry, FAMILIES.get(entry.format or ""), None)

    def tallies(self) -> dict[str, dict[str, int]]:
        """What each model that has been loaded was counted to say, by its name."""
        return {name: dict(tally) for name, tally in self._tallies.items()}

    def preload(self) -> None:
        """Begin to load what is to be there unasked."""
        for name, entry in self.config.models.items():
            if entry.preload and name not in self._seats and name not in self._failures:
                self._seat(name, entry)

    def change(self, config: Config) -> None:
        """Let `config` take effect; what it has as before goes on untouched."""
        before, self.config, self.refusal = self.config, config, None
        for name, entry in before.models.items():
            if not entry.loads_like(config.models.get(name)) or before.folder != config.folder:
                self._failures.pop(name, None)
                if seat := self._seats.get(name):
                    self._dismiss(seat)
        for name, seat in self._seats.items():
            seat.entry = config.models[name]
        self.memory.resize(in_bytes(config.memory_mb))
        self.preload()

    def unload_idle(self) -> None:
        """Let those go that have not been used for as long as their entries say."""
        for seat in [*self._seats.values()]:
            idle_s, is_kept = seat.entry.idle_s, seat.entry.pinned or not seat.is_ready
            if idle_s and not is_kept and self._clock() - seat.use.last_s >= idle_s:
                self._evict(seat)

    async def close(self) -> None:
        """End all workers, whatever they are doing."""
        seats = [*self._seats.values(), *self._leaving]
        await asyncio.gather(*(seat.close() for seat in seats))
        self._seats.clear()

    def _seat(self, name: str, entry: Entry) -> Seat:
        """Where the model is, or will be."""
        seat = self._seats.get(name)
        if seat and (seat.is_ready or seat.is_loading):
            return seat
        if failure := self._failures.get(name):
            failure.check(self._clock())
        if seat:  # its worker has died
            self.metrics.restarted(name)
            self._dismiss(seat)
        self._seats[name] = Seat(entry, partial(self._bring, name, entry), self._clock)
        return self._seats[name]

    def _evict(self, seat: Seat) -> None:
        """Unload a model that nothing is wrong with."""
        self.metrics.evicted(self._dismiss(seat))

    def _dismiss(self, seat: Seat) -> str:
        """Let what runs on a model end; nobody else gets it. Says which it was."""
        [name] = [name for name, own in self._seats.items() if own is seat]
        del self._seats[name]
        self._leaving[seat] = name
        log.info("%s is unloaded as soon as nothing runs on it", name)
        seat.leave().add_done_callback(lambda _: self._gone(seat))
        return name

    def _gone(self, seat: Seat) -> None:
        del self._leaving[seat]
        self.memory.release(seat)

    async def _bring(self, name: str, entry: Entry, seat: Seat) -> Model:
        """Load a model, and take note of how that ends."""
        try:
            with self.metrics.loading(name):
                model = await self._load(name, entry, seat)
        except Exception as error:
            self.memory.release(seat)
            if self._seats.get(name) is seat:
                del self._seats[name]
                before = self._failures.get(name)
                self._failures[name] = failed(error, before, self._clock())
            level = logging.WARNING if isinstance(error, RemoteFailed) else logging.ERROR
            log.log(level, "%s is not loaded: %s", name, error)
            raise
        self._failures.pop(name, None)
        seat.use.touch()
        self.memory.look_again()
        info = model.engine.info
        if isinstance(model, ChatModel) and (needs := str(model.template.needs)):
            log.info("%s: its chat template demands %s", name, needs)
        log.info("%s is ready: %s, %d tokens of context", name, info.description, info.context)
        return model

    async def _load(self, name: str, entry: Entry, seat: Seat) -> Model:
        log.info("loading %s from %s", name, entry.source)
        folder, tally = self.config.folder, self._tallies.get(name, Counter())
        engine: Engine
        build: Callable[[], Model]
        try:
            if entry.is_remote:
                engine = remote = await connect(name, entry, folder)
                build = partial(chat_model, name, entry, remote, folder, tally)
            else:
                engine = worker = await self._start(entry, seat)
                build = partial(model_of, name, entry, worker, folder, tally)
        except (ModelUnusable, ConfigError) as error:
            raise ModelUnusable(f"models.{name}: {error}", code=error.code) from error
        except OSError as error:
            raise ModelUnusable(f"models.{name}: no worker can be started: {error}") from error
        try:
            # Trying out a template takes a tenth of a second, and others are streaming.
            model = await asyncio.to_thread(build)
        except ConfigError as error:
            await engine.stop()
            raise ModelUnusable(f"models.{name}: {error}") from error
        except BaseException:
            await engine.stop()
            raise
        self._tallies[name] = tally
        return replace(model, use=seat.use)

    async def _start(self, entry: Entry, seat: Seat) -> WorkerEngine:
        path, lora = await asyncio.to_thread(locate_files, entry, self.config.folder)
        options = engine_options(entry, path, self.config.folder, lora)
        if self._weigh:
            await self.memory.claim(seat, await asyncio.to_thread(self._weigh, options))
        return await self._launch(options)
