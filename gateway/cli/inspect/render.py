"""The `render` command."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, entry_name, load_config
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.chat.request import Request
    from gateway.config.load import Entry


def render(
    model: Annotated[str, typer.Option(help="Name of a model in models.yaml.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Print the prompt, the grammar and the trigger of a chat request from standard input."""
    import asyncio

    from gateway.cli.files.shown_download import fetch_entry_shown
    from gateway.cli.inspect.vocabulary_only import load_without_weights
    from gateway.generate.prepare import prepare
    from gateway.models.model import ChatModel

    loaded = load_config(config)
    name = entry_name(loaded, model)
    entry = loaded.models[name]
    request = _read_request(model, entry)
    fetch_entry_shown(entry, loaded.folder)
    ready = asyncio.run(load_without_weights(name, entry, loaded.folder))
    if not isinstance(ready, ChatModel):
        raise ConfigError(f"{name} is an embedding model and has no prompt")
    prompt, _, generation = asyncio.run(prepare(request, ready))
    print(f"--- prompt\n{prompt.text}")
    print(f"--- the answer has begun with\n{prompt.answer_prefix!r}")
    print(f"--- grammar\n{generation.grammar or 'none: anything may be written'}")
    print(f"--- trigger\n{ready.format.trigger!r}")


def _read_request(model: str, entry: Entry) -> Request:
    from pydantic import ValidationError

    from gateway.api.openai.chat_body import ChatBody
    from gateway.api.openai.chat_request import to_request
    from gateway.chat.request import Sampling

    try:
        body = ChatBody.model_validate({"model": model, **json.loads(sys.stdin.read())})
    except (ValueError, ValidationError) as error:
        raise ConfigError(f"not a chat request: {error}") from error
    return to_request(body, Sampling(**entry.sampling.model_dump()), entry.thinking_budget)
