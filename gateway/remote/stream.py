"""What a remote engine sends back -> text, how it ended, and what it cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from gateway.errors import RemoteFailed

DONE = b"[DONE]"
BROKEN = ("abort", "error")


class Choice(msgspec.Struct):
    text: str = ""
    finish_reason: str | None = None

    @property
    def finish(self) -> Literal["stop", "length"] | None:
        """The reason in our terms: engines have many words for `stop`."""
        if self.finish_reason in BROKEN:
            raise RemoteFailed(f"the remote engine gave up: {self.finish_reason}")
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
    """The chunks of an event stream, up to its end; raises RemoteFailed for what is none."""
    async for line in _lines(data):
        field, _, value = line.partition(b":")
        if field == b"error":  # llama-server's way
            raise RemoteFailed(f"the remote engine failed: {reason(value)}")
        if field != b"data" or not value.strip():
            continue
        if value.strip() == DONE:
            yield Chunk([Choice(finish_reason="stop")])
            return
        yield _chunk(value)


def reason(body: bytes) -> str:
    """What an engine says is wrong, in whichever of the usual forms."""
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
        raise RemoteFailed(f"the remote engine sent what is no completion: {error}") from error
    if chunk.error is not None and bytes(chunk.error) != b"null":
        raise RemoteFailed(f"the remote engine failed: {reason(bytes(chunk.error))}")
    return chunk


async def _lines(data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines that end as those of events do: a text in JSON may hold other line breaks."""
    rest = b""
    async for piece in data:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    yield rest
