"""Parses recorded model output, as the gateway parses it while it streams."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from gateway.api.body import Body, read_as
from gateway.api.errors import envelope, unexpected
from gateway.api.openai.chat_body import FunctionTool
from gateway.api.openai.chat_stream import ChatRenderer
from gateway.api.openai.chat_tools import to_tools
from gateway.chat.events import AnswerEvent, Finished, FinishReason, Usage, fold, identified
from gateway.config.load import guess
from gateway.errors import BadRequest, ConfigError, GatewayError
from gateway.formats.encode import answer_prefix
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder
from gateway.prompt.detect_format import detect_format
from gateway.prompt.template import Vocabulary


class Record(Body):
    """The output of a model, and how to parse it.

    - `format`: name of the tool-call format, or
    - `template`: path of the model's chat template, from which the format is detected;
    - `tools`: as in a chat request; without it, any tool name is accepted;
    - `prompt_tail`: the end of the prompt, which may have opened a reasoning block or a call;
    - `complete`: false if the output was cut off;
    - `chunk`: characters per simulated delta; 0 for the whole text.
    """

    format: str | None = None
    template: str | None = None
    tools: list[FunctionTool] | None = None
    prompt_tail: str | None = None
    text: str
    complete: bool | None = None
    chunk: Annotated[int, Field(ge=0)] | None = None


def replayed(line: bytes) -> dict[str, Any]:
    """The message of one record, which is a line of JSON, or an error envelope."""
    try:
        return _flat(message(read_as(Record, line, "the record")))
    except GatewayError as error:
        return envelope(error)
    except Exception as error:  # an internal error fails one record only
        return envelope(unexpected(error))


def message(record: Record) -> dict[str, Any]:
    """The message that `record` parses to, with its notes; raises BadRequest."""
    completion = ChatRenderer("replay").whole([fold(_events(record))])
    choice: Any = completion["choices"][0]  # type: ignore[index]
    return {**choice["message"], "notes": choice.get("notes", [])}


def _events(record: Record) -> Iterator[AnswerEvent]:
    format = _format_of(record)
    tools = None if record.tools is None else to_tools(record.tools)
    decoder = Decoder(format, tools, whole_calls=True)
    decoder.feed(answer_prefix(format, record.prompt_tail or ""))
    for piece in _pieces(record):
        yield from map(identified, decoder.feed(piece))
    yield from map(identified, decoder.close(complete=record.complete is not False))
    yield Finished(FinishReason.STOP, Usage(), tuple(decoder.notes))


def _pieces(record: Record) -> Iterator[str]:
    size = record.chunk or max(1, len(record.text))
    for start in range(0, len(record.text), size):
        yield record.text[start : start + size]


def _format_of(record: Record) -> Format:
    if (record.format is None) == (record.template is None):
        raise BadRequest("a record needs either `format` or `template`", param="format")
    if record.template is not None:
        return _detected(record.template)
    if record.format not in FAMILIES:
        near = guess(str(record.format), FAMILIES)
        raise BadRequest(
            f"no format {record.format!r}; `tool-gateway formats` lists them{near}", param="format"
        )
    return FAMILIES[record.format]


@lru_cache
def _detected(template: str) -> Format:
    """The format of the chat template at this path; cached, as records repeat it."""
    try:
        source = Path(template).read_text(encoding="utf-8")
        return detect_format(source, Vocabulary("", "", {}))
    except (OSError, ValueError, ConfigError) as error:
        raise BadRequest(f"no format found in {template}: {error}", param="template") from error


def _flat(message: dict[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls", ())
    return {
        "content": message["content"],
        "reasoning_content": message.get("reasoning_content"),
        "tool_calls": [{"id": call["id"], **call["function"]} for call in calls],
        "notes": message["notes"],
    }
