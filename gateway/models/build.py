"""Builds a model from its entry in models.yaml: engine options, then an engine, then a model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.config import shipped
from gateway.config.load import Entry, PrefixCache
from gateway.engine.engine import EngineInfo, TextEngine, WorkerEngine
from gateway.engine.options import CacheOffload, EngineOptions, Options
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.hub.download import OnProgress
from gateway.hub.source import fetch
from gateway.models.memory_estimate import MB
from gateway.models.model import ChatModel, EmbeddingModel, Model
from gateway.prompt.detect_format import detect_format
from gateway.prompt.template import Template, Vocabulary
from gateway.remote.engine import RemoteEngine

Lora = tuple[tuple[str, float], ...]


async def fetch_files(
    entry: Entry, folder: Path, on_progress: OnProgress = lambda _: None
) -> tuple[Path, Lora]:
    """Returns the model's file, downloaded if necessary, and each adapter's file and scale."""
    path = await fetch(entry.source, folder, on_progress)
    lora = [
        (str(await fetch(source, folder, on_progress, key="lora")), scale)
        for source, scale in entry.lora
    ]
    return path, tuple(lora)


def engine_options(
    entry: Entry,
    path: Path,
    folder: Path = Path(),
    lora: Lora = (),
    *,
    name: str = "",
    vocabulary_only: bool = False,
) -> EngineOptions:
    """Returns the options of the worker that loads `path`; paths in models.yaml are in `folder`."""
    return EngineOptions(
        str(path),
        entry.context,
        entry.gpu_layers,
        None if entry.threads == "auto" else entry.threads,
        vocabulary_only,
        _cache_offload(entry.prefix_cache, folder),
        Options(**entry.llama.model_dump()),
        lora,
        entry.embeddings,
        reproducible="off" if entry.embeddings else entry.reproducible,
        hang_s=entry.hang_s,
        name=name,
    )


async def connect(name: str, entry: Entry, folder: Path) -> RemoteEngine:
    """Returns the remote engine of an entry whose source is an address."""
    template = template_source(entry.template, {}, folder)
    format = format_of(entry, template, Vocabulary("", "", {}))
    return await RemoteEngine.connect(
        name, entry.source, entry.remote, template, format, entry.context
    )


def model_of(
    name: str, entry: Entry, engine: WorkerEngine, folder: Path, tally: Counter[str] | None = None
) -> Model:
    """Returns the model of a worker, of the kind that its entry declares."""
    if entry.embeddings:
        return EmbeddingModel(name, entry, engine)
    return chat_model(name, entry, engine, folder, tally)


def chat_model(
    name: str, entry: Entry, engine: TextEngine, folder: Path, tally: Counter[str] | None = None
) -> ChatModel:
    """Returns a model that generates text; raises ConfigError for a template that is unusable."""
    info = engine.info
    vocabulary = vocabulary_of(info)
    source = template_source(entry.template, info.chat_templates, folder)
    format = format_of(entry, source, vocabulary)
    plain = info.chat_templates.get("default") if entry.template == "gguf" else None
    template = Template(source, format, vocabulary, plain, entry.chat_template_kwargs)
    counts = Counter[str]() if tally is None else tally
    return ChatModel(name, entry, engine, format, template, vocabulary.special, counts)


def vocabulary_of(info: EngineInfo) -> Vocabulary:
    return Vocabulary(info.bos, info.eos, info.special_ids)


def check_template(entry: Entry, folder: Path) -> None:
    """Raises ConfigError if the entry's template is missing, broken, or hides tools."""
    if entry.embeddings:
        return
    source = template_source(entry.template, {}, folder)
    vocabulary = Vocabulary("", "", {})
    format = format_of(entry, source, vocabulary)
    template = Template(source, format, vocabulary, defaults=entry.chat_template_kwargs)
    if not template.shows_tools:
        raise ConfigError(f"the template {entry.template!r} does not show tools to the model")


def template_source(template: str, inside: dict[str, str], folder: Path) -> str:
    """Returns the text of a chat template: one of those `inside` a GGUF, or a file.

    A file lies in templates/ of `folder`, or comes with the gateway.
    """
    if template == "gguf":
        if found := inside.get("tool_use") or inside.get("default"):
            return found
        raise ConfigError("template: the GGUF has no chat template; name one of templates/")
    path = shipped.find(Path(shipped.TEMPLATES, f"{template}.jinja"), folder)
    if not path.is_file():
        known = ", ".join(shipped.templates(folder))
        raise ConfigError(f"template: no {path}; there are gguf, {known}")
    return path.read_text(encoding="utf-8")


def format_of(entry: Entry, source: str, vocabulary: Vocabulary) -> Format:
    """Returns the format of an entry whose template is `source`; raises ConfigError if unknown."""
    if entry.format:
        return FAMILIES[entry.format]
    try:
        return detect_format(source, vocabulary)
    except ConfigError as error:
        raise ConfigError(
            f"format: unknown from the chat template: {error.message}; set `format` in models.yaml"
        ) from error


def _cache_offload(cache: PrefixCache, folder: Path) -> CacheOffload:
    path = str(folder / cache.folder) if cache.folder else None
    return CacheOffload(cache.memory_mb * MB, path, cache.folder_mb * MB)
