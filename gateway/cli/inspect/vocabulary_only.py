"""Loads a model's vocabulary and chat template without its weights."""

from __future__ import annotations

from pathlib import Path

from gateway.config.load import Entry
from gateway.engine.client import Client
from gateway.engine.engine import EngineInfo
from gateway.hub.source import fetch
from gateway.models.build import (
    chat_model,
    connect,
    engine_options,
    model_of,
    template_source,
    vocabulary_of,
)
from gateway.models.model import Model
from gateway.prompt.template import Vocabulary


async def load_without_weights(name: str, entry: Entry, folder: Path) -> Model:
    """The model with its vocabulary and template; its engine is stopped. Raises GatewayError."""
    if entry.is_remote:
        remote = await connect(name, entry, folder)
        try:
            return chat_model(name, entry, remote, folder)
        finally:
            await remote.stop()
    path = await fetch(entry.source, folder)
    worker = await Client.start(engine_options(entry, path, vocabulary_only=True))
    try:
        return model_of(name, entry, worker, folder)
    finally:
        await worker.stop()


async def info_of(entry: Entry, path: Path) -> EngineInfo:
    """What a worker tells of the model of an entry, whose file is `path`; raises ModelUnusable."""
    worker = await Client.start(engine_options(entry, path, vocabulary_only=True))
    await worker.stop()
    return worker.info


async def template_of(path: Path) -> tuple[str, Vocabulary]:
    """The chat template and the vocabulary of the GGUF at `path`."""
    entry = Entry(source=str(path))
    info = await info_of(entry, path)
    source = template_source(entry.template, info.chat_templates, path.parent)
    return source, vocabulary_of(info)
