"""Parses the event stream of a remote engine: text, finish reason, usage, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from gateway.errors import RemoteFailed

DONE = b"[DONE]"
FAILURES = ("abort", "error")


class Choice(msgspec.Struct):
    text: str = ""
    finish_reason: str | None = None

    @property
    def finish(self) -> Literal["stop", "length"] | None:
        """The finish reason as the OpenAI API has it; engines have more words for `stop`."""
        if self.finish_reason in FAILURES:
            raise RemoteFailed(f"the remote engine ended the answer: {self.finish_reason}")
        if self.finish_reason is None:
            return None
        return "length" if self.finish_reason == "length" else "stop"


class Details(msgspec.Struct):
    cached_tokens: int | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None

    @property
    def cached(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0


class Chunk(msgspec.Struct):
    choices: list[Choice] = []
    usage: Usage | None = None
    error: msgspec.Raw | None = None


async def chunks(data: AsyncIterator[bytes]) -> AsyncIterator[Chunk]:
    """Yields the chunks of an event stream up to its end; raises RemoteFailed if it is invalid."""
    async for line in _lines(data):
        field, _, value = line.partition(b":")
        if field == b"error":  # as llama-server reports an error
            raise RemoteFailed(f"the remote engine failed: {error_message(value)}")
        if field != b"data" or not value.strip():
            continue
        if value.strip() == DONE:
            yield Chunk([Choice(finish_reason="stop")])
            return
        yield _chunk(value)


def error_message(body: bytes) -> str:
    """Returns the message of an engine's error response, which has one of several forms."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = body.decode(errors="replace").strip()
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return str(found)[:500]


def _chunk(value: bytes) -> Chunk:
    try:
        chunk = msgspec.json.decode(value, type=Chunk)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteFailed(f"the remote engine sent an invalid chunk: {error}") from error
    if chunk.error is not None and bytes(chunk.error) != b"null":
        raise RemoteFailed(f"the remote engine failed: {error_message(bytes(chunk.error))}")
    return chunk


async def _lines(data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields lines that end with LF or CRLF; a text in JSON may contain other line breaks."""
    rest = b""
    async for piece in data:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    yield rest
