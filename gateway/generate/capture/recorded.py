"""Records requests to engines in the capture of a request, if there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict
from pathlib import PurePath
from urllib.parse import urlsplit

import msgspec

from gateway.chat.json import Json, Object
from gateway.chat.request import Sampling
from gateway.engine.generation import Generation, Output
from gateway.errors import GatewayError
from gateway.generate.capture.reading import Reading
from gateway.generate.retry import Ask
from gateway.models.model import ChatModel
from gateway.observe.capture.capture import Capture


def describe(
    capture: Capture, model: ChatModel, sampling: Sampling, reading: Reading | None
) -> None:
    """Records which model is asked, how, and how its answers are read; None is as plain text."""
    capture.model = model.name
    capture.asked = {
        "format": model.format.name if reading else None,
        "template": model.entry.template if reading else None,
        "reading": msgspec.to_builtins(reading),
        "settings": settings(model),
        "sampling": asdict(sampling),
    }


def settings(model: ChatModel) -> Object:
    """Returns the entry of a model in models.yaml, without passwords and without folders."""
    entry = model.entry
    shown: Object = entry.model_dump(mode="json", exclude_defaults=True)
    shown["source"] = _shareable(entry.source)
    if entry.lora:
        shown["lora"] = [[_shareable(path), scale] for path, scale in entry.lora]
    if entry.prefix_cache.folder:
        shown["prefix_cache"] = {**entry.prefix_cache.model_dump(), "folder": "[folder]"}
    return shown


def captured(
    ask: Ask,
    capture: Capture | None,
    choice: int,
    special: Mapping[str, int],
    *,
    base_parts: int,
    answer_prefix: str = "",
    trigger: str | None = None,
) -> Ask:
    """Returns `ask`, which generates an answer, so that `capture` records each attempt.

    `choice` is the number of the answer, `special` has the ids of special tokens by their texts.
    See `Attempt` for the others.
    """
    if capture is None:
        return ask
    texts = {id: text for text, id in special.items()}

    async def asked(generation: Generation) -> AsyncGenerator[Output, None]:
        generation = msgspec.structs.replace(generation, token_details=True)
        attempt = capture.begin_attempt(
            choice,
            generation,
            texts,
            base_parts=base_parts,
            answer_prefix=answer_prefix,
            trigger=trigger,
        )
        try:
            async with aclosing(ask(generation)) as outputs:
                async for output in outputs:
                    attempt.record(output)
                    capture.notify()
                    yield output
        except GatewayError as error:
            attempt.error = {"message": error.message, "type": error.type, "code": error.code}
            raise

    return asked


def _shareable(source: str) -> Json:
    """Returns where a file is from: of a path only the name, of a URL no password."""
    parts = urlsplit(source)
    if parts.scheme in ("http", "https"):
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
    return source if parts.scheme in ("hf", "package") else PurePath(source).name
