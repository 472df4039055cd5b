"""Bodies of Ollama's API, and the lines of a stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.fakes import Script, ScriptedAnswer, gateway


@asynccontextmanager
async def ollama(script: Script | ScriptedAnswer, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose model follows `script`, below `/api`."""
    async with gateway(script, **more) as client:
        client.base_url = httpx.URL("http://gateway/api")
        yield client


def chat(**more: Any) -> dict[str, Any]:
    """The body of a request for a chat."""
    return {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **more}


def prompt(**more: Any) -> dict[str, Any]:
    """The body of a request to answer a prompt."""
    return {"model": "m", "prompt": "Hello", **more}


def lines(stream: str) -> list[dict[str, Any]]:
    """The objects of a stream, each of which is a line."""
    assert stream.endswith("\n")
    return [json.loads(line) for line in stream.splitlines()]


def joined(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Accumulates a stream as clients do; only the last line is done."""
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    whole = dict(lines[-1])
    messages = [line["message"] for line in lines if "message" in line]
    if messages:
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        for piece in messages:
            message["content"] += piece["content"]
            for key in ("thinking", "tool_calls"):
                if key in piece:
                    message[key] = message[key] + piece[key] if key in message else piece[key]
        return whole | {"message": message}
    for key in ("response", "thinking"):
        if text := "".join(line.get(key, "") for line in lines):
            whole[key] = text
    return whole
