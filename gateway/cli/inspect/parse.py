"""The `parse` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from gateway.api.openai.chat_body import FunctionTool


def parse(
    format: Annotated[
        str | None, typer.Option(help="Name of a format; see `tool-gateway formats`.")
    ] = None,
    tools: Annotated[
        Path | None, typer.Option(help="JSON file with a `tools` list, as in a chat request.")
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Read one record per line and print one result each.")
    ] = False,
) -> None:
    """Parse a model's output from standard input and print the message.

    With --jsonl, each record is a JSON object with `text` and either `format`
    or `template` (path of a chat template). Optional keys are `tools`,
    `prompt_tail` (the end of the prompt, which may open a reasoning block),
    `complete` (false if the text was cut off) and `chunk` (characters per
    simulated delta).
    """
    if jsonl == (format is not None) or (jsonl and tools):
        raise BadRequest("give --format, optionally with --tools; or give --jsonl alone")
    if jsonl:
        _parse_records()
        return

    from gateway.cli.inspect.records import Record, message

    record = Record(format=format, tools=_read_tools(tools), text=sys.stdin.read())
    print(json.dumps(message(record), ensure_ascii=False, indent=2))


def _parse_records() -> None:
    from gateway.cli.inspect.records import replayed

    total = failed = 0
    for line in filter(bytes.strip, sys.stdin.buffer):
        result = replayed(line)
        total, failed = total + 1, failed + ("error" in result)
        print(json.dumps(result), flush=True)
    if failed:
        raise BadRequest(f"{failed} of {total} records could not be parsed")


def _read_tools(path: Path | None) -> list[FunctionTool] | None:
    if path is None:
        return None

    from pydantic import TypeAdapter, ValidationError

    from gateway.api.openai.chat_body import FunctionTool

    try:
        return TypeAdapter(list[FunctionTool]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{path} is not a list of tools: {error}") from error
