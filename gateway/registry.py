"""Model name -> ready model: a running worker, its template, its format."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.config import Config, Entry, PrefixCache
from gateway.desk import Desk
from gateway.engine.client import Client, Engine
from gateway.engine.messages import Keeping, Ready, Start, Stats
from gateway.engine.options import Options
from gateway.errors import ConfigError, ModelNotFound, ModelUnusable, RemoteFailed
from gateway.metrics import Metrics
from gateway.prompt import Template, Vocabulary
from gateway.recognize import format_of
from gateway.remote.remote import Remote
from gateway.request import Request
from gateway.said import Said
from gateway.source import locate
from gateway.trace import current
from gateway.wire.families import FAMILIES
from gateway.wire.format import Format

log = logging.getLogger("gateway")

MB = 2**20


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

    def engine_for(self, request: Request, begun: str) -> Engine:
        """What writes an answer to `request`: another than `engine` if no grammar holds that."""
        if isinstance(self.engine, Remote):
            assert self.format, "an entry with a remote engine names one"
            return self.engine.checked(request, self.format, begun, self.tally)
        return self.engine


@dataclass(slots=True)
class _Place:
    """Where one entry's model is kept; the lock lets one request load it, while others wait."""

    model: Model | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Registry:
    """Loads a model when it is first asked for, and again when its worker has died."""

    def __init__(
        self, config: Config, launch: Launch = Client.start, *, metrics: Metrics | None = None
    ):
        self.config = config
        self.metrics = metrics or Metrics()
        self.desk = Desk()
        self._launch = launch
        self._places = {name: _Place() for name in config.models}

    def entry(self, name: str) -> tuple[str, Entry]:
        """The entry that `name` means, and its own name; raises ModelNotFound."""
        own = self.config.name_of(name)
        if own is None:
            known = ", ".join(repr(known) for known in self.config.models)
            raise ModelNotFound(f"no model {name!r}; models.yaml has {known}", param="model")
        current().model = own
        return own, self.config.models[own]

    async def get(self, name: str) -> Model:
        """The model, loaded; raises ModelNotFound and ModelUnusable."""
        name, entry = self.entry(name)
        place = self._places[name]
        async with place.lock:
            if place.model is None or not place.model.engine.is_alive:
                with self.metrics.loading(name):
                    loaded = await self._load(name, entry)
                if place.model:
                    self.metrics.restarted(name)
                    loaded.tally.update(place.model.tally)
                place.model = loaded
            return place.model

    def is_loaded(self, name: str) -> bool:
        model = self._places[name].model
        return model is not None and model.engine.is_alive

    def workers(self) -> dict[str, Worker]:
        """The workers that are up, by their models' names."""
        models = (place.model for place in self._places.values())
        return {m.name: m.engine for m in models if m and m.engine.is_alive}

    def format_of(self, name: str) -> str | None:
        """The name of the model's format; None if that is not known before it is loaded."""
        model = self._places[name].model
        if model and model.format:
            return model.format.name
        return self.config.models[name].format

    def tallies(self) -> dict[str, dict[str, int]]:
        """What each model that has been loaded was counted to say, by its name."""
        places = self._places.items()
        return {name: dict(place.model.tally) for name, place in places if place.model}

    async def preload(self) -> None:
        for name, entry in self.config.models.items():
            if entry.preload:
                try:
                    await self.get(name)
                except RemoteFailed as error:  # it may be up later, and the others are here
                    log.warning("models.%s: %s", name, error)

    async def close(self) -> None:
        for place in self._places.values():
            if place.model is not None:
                await place.model.engine.stop()
                place.model = None

    async def _load(self, name: str, entry: Entry) -> Model:
        log.info("loading %s from %s", name, entry.source)
        try:
            if entry.is_remote:
                engine: Worker = await connected(name, entry, self.config.folder)
            else:
                path, lora = await asyncio.to_thread(_files, entry, self.config.folder)
                engine = await self._launch(start_of(entry, path, self.config.folder, lora))
        except (ModelUnusable, ConfigError) as error:
            raise ModelUnusable(f"models.{name}: {error}") from error
        try:
            # Trying out a template takes a tenth of a second, and others are streaming.
            model = await asyncio.to_thread(assemble, name, entry, engine, self.config.folder)
        except ConfigError as error:
            await engine.stop()
            raise ModelUnusable(f"models.{name}: {error}") from error
        ready = engine.ready
        if model.template and (needs := str(model.template.needs)):
            log.info("%s: its chat template demands %s", name, needs)
        log.info("%s is ready: %s, %d tokens of context", name, ready.description, ready.context)
        return model


async def connected(name: str, entry: Entry, folder: Path) -> Remote:
    """The engine that an entry has the address of."""
    template = template_source(entry.template, {}, folder)
    format = _format(entry, template, Vocabulary("", "", {}))
    return await Remote.connect(name, entry.source, entry.remote, template, format, entry.context)


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
    if entry.embeddings:
        return Model(name, entry, engine, None, None, vocabulary.special)
    source = template_source(entry.template, ready.templates, folder)
    format = _format(entry, source, vocabulary)
    plain = ready.templates.get("default") if entry.template == "gguf" else None
    template = Template(source, format, vocabulary, plain)
    return Model(name, entry, engine, format, template, vocabulary.special)


def vocabulary_of(ready: Ready) -> Vocabulary:
    return Vocabulary(ready.bos, ready.eos, {token.text: token.id for token in ready.special})


def check_template(entry: Entry, folder: Path) -> None:
    """Raise ConfigError if the entry's template is missing, broken, or hides tools."""
    if entry.embeddings:
        return
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
