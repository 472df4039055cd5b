"""GET /api/version, GET /api/tags, POST /api/show, GET /api/ps: what clients ask before they chat.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gateway.api.body import read_as
from gateway.api.ollama.body import ShowBody
from gateway.api.ollama.file_types import FILE_TYPES
from gateway.api.ollama.names import resolve
from gateway.chat.json import Json, Object
from gateway.config.load import Config, Entry
from gateway.engine.engine import Engine
from gateway.errors import ModelUnusable
from gateway.models.description import Description, describe, expected_capabilities
from gateway.models.model import Capabilities
from gateway.models.registry import Registry

VERSION = "0.20.0"  # of Ollama, whose API this is; clients refuse a server that is too old
TOKENIZER = "tokenizer."  # the beginning of keys that describe the vocabulary
NEVER = "9999-12-31T23:59:59Z"

router = APIRouter()


@router.get("/api/version")
async def version() -> dict[str, str]:
    """The version of Ollama whose API the gateway offers."""
    return {"version": VERSION}


@router.get("/api/tags")
async def tags(http: Request) -> dict[str, Any]:
    """List the models of models.yaml."""
    registry: Registry = http.app.state.registry
    return {"models": await asyncio.to_thread(_listed, registry.config)}


@router.post("/api/show", response_model=None)
async def show(http: Request) -> JSONResponse:
    """Describe one model, without loading it: its capabilities, context and chat template."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read = partial(read_as, ShowBody, data, "the body", registry.config.limits)
    body = await registry.serializer.run(read, len(data))
    name, entry = resolve(registry, body.model)
    loaded = registry.capabilities(name) if registry.is_loaded(name) else None
    work = partial(_shown, entry, registry.config.folder, loaded)
    return JSONResponse(await asyncio.to_thread(work))


@router.get("/api/ps")
async def ps(http: Request) -> dict[str, Any]:
    """List the models that are loaded."""
    registry: Registry = http.app.state.registry
    engines = registry.engines()
    return {"models": await asyncio.to_thread(_running, registry.config, engines)}


def _listed(config: Config) -> list[Object]:
    found = []
    for name, entry in config.models.items():
        described = _described(entry, config.folder)
        modified = _time(described)
        found.append(_card(name, entry, described) | {"modified_at": modified})
    return found


def _shown(entry: Entry, folder: Path, loaded: Capabilities | None) -> Object:
    described = describe(entry, folder)
    able = loaded or expected_capabilities(entry, described.template)
    return {
        "modelfile": "",
        "parameters": _parameters(entry),
        "template": described.template,
        "details": _details(described),
        "model_info": _model_info(entry, described),
        "capabilities": _capabilities(able),
        "modified_at": _time(described),
    }


def _running(config: Config, engines: Mapping[str, Engine]) -> list[Object]:
    now = datetime.now(UTC)
    found = []
    for name, engine in engines.items():
        entry = config.models[name]
        card = _card(name, entry, _described(entry, config.folder))
        expires = _rfc3339(now + timedelta(seconds=entry.idle_s)) if entry.idle_s else NEVER
        found.append(
            card
            | {
                "size": engine.resident_bytes,
                "size_vram": 0,  # llama.cpp does not tell how much of it is on a GPU
                "expires_at": expires,
                "context_length": engine.info.context,
            }
        )
    return found


def _described(entry: Entry, folder: Path) -> Description:
    """The description of a model, or an empty one if its file can't be read."""
    try:
        return describe(entry, folder)
    except ModelUnusable:
        return Description()


def _card(name: str, entry: Entry, described: Description) -> Object:
    identity = f"{name} {entry.source} {described.size} {described.modified_s}"
    return {
        "name": name,
        "model": name,
        "size": described.size,
        "digest": hashlib.sha256(identity.encode()).hexdigest(),
        "details": _details(described),
    }


def _details(described: Description) -> Object:
    family = str(described.metadata.get("general.architecture", ""))
    file_type = described.metadata.get("general.file_type")
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family] if family else [],
        "parameter_size": _count(described.parameters),
        "quantization_level": FILE_TYPES.get(file_type, "unknown"),
    }


def _model_info(entry: Entry, described: Description) -> Object:
    """The metadata of the file; the context is the one that requests have."""
    metadata = described.metadata
    family = str(metadata.get("general.architecture", "unknown"))
    info: Object = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in metadata.items()
        if not key.startswith(TOKENIZER)
    }
    return info | {
        "general.architecture": family,
        "general.parameter_count": described.parameters,
        f"{family}.context_length": entry.context,
    }


def _capabilities(able: Capabilities) -> list[Json]:
    if able.embeddings:
        return ["embedding"]
    tools: list[Json] = ["tools"] if able.tools else []
    thinking: list[Json] = ["thinking"] if able.reasoning else []
    return ["completion", *tools, *thinking]


def _parameters(entry: Entry) -> str:
    """The options that requests have if they set none, a line each."""
    options = {"num_ctx": entry.context, **entry.sampling.model_dump(exclude_none=True)}
    return "\n".join(f"{name:<30} {value}" for name, value in options.items())


def _count(parameters: int) -> str:
    """Returns a number of parameters in billions or millions.

    >>> _count(134_515_008), _count(8_030_000_000), _count(0)
    ('134.52M', '8.0B', '')
    """
    if parameters >= 10**9:
        return f"{parameters / 10**9:.1f}B"
    return f"{parameters / 10**6:.2f}M" if parameters else ""


def _time(described: Description) -> str:
    return _rfc3339(datetime.fromtimestamp(described.modified_s, UTC))


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
