"""A scripted remote engine over real HTTP, and a gateway in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from fastapi import FastAPI

from gateway.app import create_app
from gateway.config.load import Config, Entry
from tests.fakes import REPO


@dataclass(frozen=True, slots=True)
class Writes:
    """One answer of the engine; `then` is what happens after its pieces.

    `raw` is sent before them; with a `status` other than 200 it is the whole body.
    """

    pieces: Sequence[str] = ()
    finish: str | None = "stop"
    then: Literal["done", "stall", "drop", "close"] = "done"
    usage: Mapping[str, Any] | None = None
    status: int = 200
    raw: str = ""


@dataclass
class Engine:
    """Returns `answers` in turn, the last one repeatedly; `tokens` are the results of /tokenize."""

    answers: Sequence[Writes]
    tokens: Mapping[str, list[int]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    running: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.running += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            if head.split()[1] == "/tokenize":
                text = body.get("prompt") or body.get("content")
                tokens = {"tokens": self.tokens.get(text, [1, 2])}
                return await _send(writer, 200, "application/json", json.dumps(tokens))
            assert head.split()[1] == "/v1/completions"
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(body)
            self.keys.append(headers.get("authorization", ""))
            await self._answer(answer, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.running -= 1
            writer.close()

    async def _answer(
        self, answer: Writes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        kind = "text/event-stream" if answer.status == 200 else "application/json"
        await _send(writer, answer.status, kind, answer.raw)
        if answer.status != 200:
            return
        for piece in answer.pieces:
            await _event(writer, {"choices": [{"text": piece, "finish_reason": None}]})
            await asyncio.sleep(0)
        match answer.then:
            case "stall":
                await reader.read()  # until the gateway hangs up
            case "drop":
                writer.transport.abort()
            case "done":
                await _event(writer, {"choices": [{"text": "", "finish_reason": answer.finish}]})
                if answer.usage:
                    await _event(writer, {"choices": [], "usage": answer.usage})
                writer.write(b"data: [DONE]\n\n")
                await writer.drain()


async def _send(writer: asyncio.StreamWriter, status: int, kind: str, body: str) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
    writer.write((head + body).encode())
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, value: Mapping[str, Any]) -> None:
    writer.write(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")
    await writer.drain()


def writes(text: str, cut: int = 4, **more: Any) -> Writes:
    return Writes([text[at : at + cut] for at in range(0, len(text), cut)], **more)


def config(url: str, **entry: Any) -> Config:
    settings = {"source": url, "template": "smollm2", "format": "hermes", **entry}
    return Config(models={"m": Entry.model_validate(settings)}, folder=REPO, hosts=("gateway",))


@asynccontextmanager
async def app_before(engine: Engine, **entry: Any) -> AsyncIterator[FastAPI]:
    """A gateway whose model is `engine`."""
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    served = create_app(config(url, **entry))
    async with server, served.router.lifespan_context(served):
        yield served


@asynccontextmanager
async def gateway_before(engine: Engine | Writes, **entry: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    engine = engine if isinstance(engine, Engine) else Engine([engine])
    async with app_before(engine, **entry) as served:
        transport = httpx.ASGITransport(served, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/v1") as client:
            yield client
