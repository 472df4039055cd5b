"""A scripted engine, a gateway in front of it, and its clients."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry.trace import TracerProvider
from starlette.types import Message

from gateway.admission.api_keys import Key
from gateway.admission.key_ring import KeyRing
from gateway.app import create_app
from gateway.chat.events import Logprob
from gateway.config.load import Config, Entry
from gateway.engine.engine import EngineInfo, EngineStats, Features, SpecialToken
from gateway.engine.generation import (
    Accepted,
    Delta,
    Embeddings,
    Generation,
    Opened,
    Output,
    TokenDetail,
    Tokens,
)
from gateway.engine.options import EngineOptions
from gateway.models.memory_estimate import MemoryEstimate
from gateway.pool.pool import InThisProcess, Pool

REPO = Path(__file__).parent.parent

SPECIAL = {
    "<|im_start|>": 1,
    "<|im_end|>": 2,
    "<|endoftext|>": 3,
    "<tool_call>": 4,
    "</tool_call>": 5,
}

INFO = EngineInfo(
    context=4096,
    trained_context=4096,
    description="a script",
    special_tokens=[SpecialToken(id, text, True) for text, id in SPECIAL.items()],
    bos="<|im_start|>",
    eos="<|im_end|>",
    chat_templates={},
)


PROMPT_TOKENS = 7  # of every prompt
CACHED_TOKENS = 3  # of these
# The bytes of each token. Number 6 is half of a character, whose other half is no token.
PIECES = {**{id: text.encode() for text, id in SPECIAL.items()}, 0: b"Hi", 6: b"\xc3"}


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """One answer of a scripted engine; each piece of text is a delta.

    With `finish` None the answer never ends. `fails` is raised after the last piece, `rejects`
    before the first. The first `forced` pieces count as forced tokens. `interrupted` is the index
    of the piece that interrupts the answer. `opening` comes with the piece at `opened_at`.
    """

    pieces: Sequence[str] = ()
    finish: str | None = "stop"
    fails: Exception | None = None
    rejects: Exception | None = None
    forced: int = 0
    logprobs: bool = False
    interrupted: int | None = None
    opening: Opened | None = None
    opened_at: int = 0


@dataclass
class Script:
    """An engine that returns `answers` in turn, the last one repeatedly, and records requests."""

    answers: Sequence[ScriptedAnswer]
    info: EngineInfo = INFO
    is_alive: bool = True
    features: Features = Features()
    stats: EngineStats = EngineStats()
    resident_bytes: int = 0
    requests: list[Generation] = field(default_factory=list)
    tokenized: list[list[str | int]] = field(default_factory=list)
    embedded: list[list[list[str | int]]] = field(default_factory=list)
    running: int = 0
    stopped: bool = False

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        self.running += 1
        try:
            if answer.rejects:
                raise answer.rejects
            yield Accepted(PROMPT_TOKENS, "".join(map(str, request.prompt)) if request.echo else "")
            for delta in _deltas(answer, has_details=request.token_details):
                await asyncio.sleep(0)
                yield delta
            if answer.fails:
                raise answer.fails
            await asyncio.Event().wait()
        finally:
            self.running -= 1

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        self.tokenized.append(prompt)
        return Tokens(list(range(PROMPT_TOKENS)), CACHED_TOKENS if add_special else 0)

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        return [PIECES.get(token, b"?") for token in tokens]

    async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
        """Returns the direction of (3, 4) for each input."""
        self.embedded.append(inputs)
        return Embeddings([struct.pack("<2f", 0.6, 0.8)] * len(inputs), 7)

    async def stop(self) -> None:
        self.stopped = True
        self.is_alive = False


def _deltas(answer: ScriptedAnswer, *, has_details: bool) -> Iterator[Delta]:
    was_interrupted = False
    for i, text in enumerate(answer.pieces):
        was_interrupted = was_interrupted or i == answer.interrupted
        logprobs = (Logprob(text, list(text.encode()), -0.5, (Logprob("x", [120], -1.5),)),)
        yield Delta(
            text,
            1,
            3,
            None,
            logprobs if answer.logprobs else (),
            was_interrupted,
            None,
            int(i < answer.forced),
            answer.opening if i == answer.opened_at else None,
            details=(_detail(answer, i),) if has_details else (),
        )
    if answer.finish and not answer.fails:
        yield Delta("", 0, 3, answer.finish, (), was_interrupted)


def _detail(answer: ScriptedAnswer, at: int) -> TokenDetail:
    text, is_forced = answer.pieces[at], at < answer.forced
    return TokenDetail(100 + at, text, text in SPECIAL, is_forced, None if is_forced else 0.5)


def scripted(text: str, cut: int = 4, finish: str | None = "stop") -> ScriptedAnswer:
    """An answer in pieces of `cut` characters."""
    return ScriptedAnswer([text[at : at + cut] for at in range(0, len(text), cut)], finish)


def config(**entry: Any) -> Config:
    """The config of one model, `m`; `entry` has more keys of it."""
    settings = {"source": "models.yaml", "template": "smollm2", "format": "hermes", **entry}
    entries = {"m": Entry.model_validate(settings)}
    return Config(models=entries, folder=REPO, hosts=("gateway",))


def app(
    script: Script,
    settings: Mapping[str, Any] | None = None,
    keys: Sequence[Key] = (),
    capture_folder: Path | None = None,
    pool: Pool | None = None,
    tracer_provider: TracerProvider | None = None,
    **entry: Any,
) -> FastAPI:
    """A gateway whose model follows `script`; `settings` are the other keys of models.yaml."""

    async def launch(*_: object) -> Script:
        return script

    whole = Config.model_validate({**dict(config(**entry)), **(settings or {})})
    return create_app(
        whole,
        launch,
        KeyRing(tuple(keys)),
        estimate=no_memory,
        pool=pool or InThisProcess(),
        capture_folder=capture_folder,
        tracer_provider=tracer_provider,
    )


def no_memory(_: EngineOptions) -> MemoryEstimate:
    """The estimate of a model that has no file."""
    return MemoryEstimate(worker=0)


@asynccontextmanager
async def gateway(
    script: Script | ScriptedAnswer, settings: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose model follows `script`; `more` are arguments of `app`."""
    served = app(script if isinstance(script, Script) else Script([script]), settings, **more)
    async with served.router.lifespan_context(served):
        # An internal error is a response that tests look at too.
        transport = httpx.ASGITransport(served, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/v1") as client:
            yield client


TOOL_NAMES = ("get_weather", "get_time")
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"What {name} does.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in TOOL_NAMES
]


def chat(**more: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **more}


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """A tool call as a Hermes model writes it."""
    written = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{written}\n</tool_call>"


def events(stream: str) -> list[dict[str, Any]]:
    """The chunks of an event stream, which has to end with `[DONE]` or an error."""
    *lines, rest = stream.split("\n\n")
    assert rest == ""
    if not lines[-1].startswith('data: {"error"'):
        assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@dataclass
class RawClient:
    """An ASGI client that sends one request, and disconnects when `gone` is set."""

    app: FastAPI
    body: dict[str, Any]
    path: str = "/v1/chat/completions"
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    has_sent: bool = False

    async def run(self) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self.has_sent:
            self.has_sent = True
            return {"type": "http.request", "body": json.dumps(self.body).encode()}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def until(is_so: Callable[[], object]) -> None:
    """Waits until `is_so()`; raises TimeoutError after a minute."""
    wait_s = 0.001
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, 0.02)
