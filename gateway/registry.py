"""Model name -> ready model: a running worker, its template, its format."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.capabilities import Capabilities, capabilities
from gateway.config import Config, Entry, PrefixCache
from gateway.desk import Desk
from gateway.engine.client import Client
from gateway.engine.messages import Keeping, Ready, Start
from gateway.engine.options import Options
from gateway.errors import ConfigError, ModelNotFound, ModelUnusable
from gateway.failure import Failure, failed
from gateway.footprint import MB, Footprint
from gateway.memory import Memory, in_bytes
from gateway.model import Launch, Model, Worker
from gateway.prompt import Template, Vocabulary
from gateway.recognize import format_of
from gateway.seat import Seat, Status
from gateway.source import locate
from gateway.wire.families import FAMILIES
from gateway.wire.format import Format

log = logging.getLogger("gateway")

__all__ = ["Launch", "Model", "Registry", "Weigh", "Worker"]

Weigh = Callable[[Start], Footprint]


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
    ):
        self.config = config
        self.desk = Desk()
        self.refusal: str | None = None  # why a changed models.yaml is not in force
        self.memory = Memory(in_bytes(config.memory_mb), self._dismiss)
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

    def format_of(self, name: str) -> str | None:
        """The name of the model's format; None if that is not known before it is loaded."""
        model = self.model(name)
        return model.format.name if model else self.config.models[name].format

    def capabilities(self, name: str) -> Capabilities:
        """What can be asked of the model, as far as that is known before it is loaded."""
        model, entry = self.model(name), self.config.models[name]
        format = model.format if model else FAMILIES.get(entry.format or "")
        return capabilities(entry, format, model.template if model else None)

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
                self._dismiss(seat)

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
        if seat:
            self._dismiss(seat)
        self._seats[name] = Seat(entry, partial(self._bring, name, entry), self._clock)
        return self._seats[name]

    def _dismiss(self, seat: Seat) -> None:
        """Let what runs on a model end; nobody else gets it."""
        [name] = [name for name, own in self._seats.items() if own is seat]
        del self._seats[name]
        self._leaving[seat] = name
        log.info("%s is unloaded as soon as nothing runs on it", name)
        seat.leave().add_done_callback(lambda _: self._gone(seat))

    def _gone(self, seat: Seat) -> None:
        del self._leaving[seat]
        self.memory.release(seat)

    async def _bring(self, name: str, entry: Entry, seat: Seat) -> Model:
        """Load a model, and take note of how that ends."""
        try:
            model = await self._load(name, entry, seat)
        except Exception as error:
            self.memory.release(seat)
            if self._seats.get(name) is seat:
                del self._seats[name]
                before = self._failures.get(name)
                self._failures[name] = failed(str(error), before, self._clock())
            log.error("%s", error)
            raise
        self._failures.pop(name, None)
        seat.use.touch()
        self.memory.look_again()
        ready = model.engine.ready
        if needs := str(model.template.needs):
            log.info("%s: its chat template demands %s", name, needs)
        log.info("%s is ready: %s, %d tokens of context", name, ready.description, ready.context)
        return model

    async def _load(self, name: str, entry: Entry, seat: Seat) -> Model:
        log.info("loading %s from %s", name, entry.source)
        folder = self.config.folder
        try:
            path, lora = await asyncio.to_thread(_files, entry, folder)
            start = start_of(entry, path, folder, lora)
            if self._weigh:
                await self.memory.claim(seat, await asyncio.to_thread(self._weigh, start))
            engine = await self._launch(start)
        except ModelUnusable as error:
            raise ModelUnusable(f"models.{name}: {error}", code=error.code) from error
        except OSError as error:
            raise ModelUnusable(f"models.{name}: no worker can be started: {error}") from error
        try:
            # Trying out a template takes a tenth of a second, and others are streaming.
            model = await asyncio.to_thread(assemble, name, entry, engine, folder)
        except ConfigError as error:
            await engine.stop()
            raise ModelUnusable(f"models.{name}: {error}") from error
        except BaseException:
            await engine.stop()
            raise
        tally = self._tallies.setdefault(name, Counter())
        return replace(model, tally=tally, use=seat.use)


def start_of(
    entry: Entry,
    path: Path,
    folder: Path = Path(),
    lora: tuple[tuple[str, float], ...] = (),
    *,
    vocabulary_only: bool = False,
) -> Start:
    """What a worker is told at its start; `lora` has its adapters' files."""
    return Start(
        str(path),
        entry.context,
        entry.gpu_layers,
        None if entry.threads == "auto" else entry.threads,
        vocabulary_only,
        _keeping(entry.prefix_cache, folder),
        Options(**entry.llama.model_dump()),
        lora,
        entry.embeddings,
        hang_s=entry.hang_s,
    )


def _keeping(cache: PrefixCache, folder: Path) -> Keeping:
    """`folder` is what paths in models.yaml start from."""
    path = str(folder / cache.folder) if cache.folder else None
    return Keeping(cache.memory_mb * MB, path, cache.folder_mb * MB)


def _files(entry: Entry, folder: Path) -> tuple[Path, tuple[tuple[str, float], ...]]:
    """The model's file, and each adapter's with its scale."""
    path = locate(entry.source, folder)
    lora = ((locate(source, folder, key="lora"), scale) for source, scale in entry.lora)
    assert path is not None
    return path, tuple((str(adapter), scale) for adapter, scale in lora)


def assemble(name: str, entry: Entry, engine: Worker, folder: Path) -> Model:
    """Put a running worker together with the entry's template and format."""
    ready = engine.ready
    vocabulary = vocabulary_of(ready)
    source = template_source(entry.template, ready.templates, folder)
    format = _format(entry, source, vocabulary)
    plain = ready.templates.get("default") if entry.template == "gguf" else None
    template = Template(source, format, vocabulary, plain)
    return Model(name, entry, engine, format, template, vocabulary.special)


def vocabulary_of(ready: Ready) -> Vocabulary:
    return Vocabulary(ready.bos, ready.eos, {token.text: token.id for token in ready.special})


def check_template(entry: Entry, folder: Path) -> None:
    """Raise ConfigError if the entry's template is missing, broken, or hides tools."""
    source = template_source(entry.template, {}, folder)
    vocabulary = Vocabulary("", "", {})
    template = Template(source, _format(entry, source, vocabulary), vocabulary)
    if not template.shows_tools:
        raise ConfigError(f"the template {entry.template!r} does not show tools to the model")


def _format(entry: Entry, source: str, vocabulary: Vocabulary) -> Format:
    if entry.format:
        return FAMILIES[entry.format]
    try:
        return format_of(source, vocabulary)
    except ConfigError as error:
        told = f"format: the chat template does not tell, {error.message}; name one"
        raise ConfigError(told) from error


def template_source(template: str, inside: dict[str, str], folder: Path) -> str:
    """The text of a template: the GGUF's own for `gguf`, else one of `templates/`."""
    if template == "gguf":
        if found := inside.get("tool_use") or inside.get("default"):
            return found
        raise ConfigError("template: the GGUF carries none; name one of templates/")
    path = folder / "templates" / f"{template}.jinja"
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.jinja"))
        raise ConfigError(f"template: no {path}; there are gguf, {', '.join(known)}")
    return path.read_text(encoding="utf-8")
