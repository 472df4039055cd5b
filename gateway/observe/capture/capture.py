"""The capture of one request: what was asked, what the model was shown and wrote, what was read."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

import msgspec

from gateway.chat.events import AnswerEvent, CallStart, Text
from gateway.chat.json import Object
from gateway.engine.generation import Generation
from gateway.observe.capture.attempt import Attempt
from gateway.observe.capture.event_json import event_json
from gateway.observe.capture.messages import Message, messages, rest
from gateway.observe.capture.secrets import MIN_LENGTH, masked, readable

VERSION = 1
MAX_TEXT = 80  # characters of a summary
PACKAGES = {
    "tool-gateway": "tool-gateway",
    "llama.cpp": "llama-cpp-python",
    "llguidance": "llguidance",
}

Timings: TypeAlias = Callable[[], Object]


class Capture:
    """Records a request while it runs; all that leaves it is without secrets.

    `owner` is the name of the API key that asked, `secret` the key itself. `is_asked_for` if the
    request asks for its capture. `is_done` once all who `hold` it have released it; then `finished`
    is called.
    """

    def __init__(
        self,
        id: str,
        endpoint: str,
        *,
        owner: str = "",
        secret: str = "",
        is_asked_for: bool = False,
        finished: Callable[[Capture], Awaitable[None]] | None = None,
    ):
        self.id = id
        self.endpoint = endpoint
        self.owner = owner
        self.is_asked_for = is_asked_for
        self.time = datetime.now(UTC)
        self.model = ""
        self.body = b""
        self.response = b""
        self.status: int | None = None
        self.error: Object | None = None
        self.asked: Object = {}
        self.timings: Timings = dict
        self.is_done = False
        self._attempts: list[Attempt] = []
        self._events: list[Object] = []
        self._called: list[str] = []
        self._text = ""
        self._frozen = b""
        self._secret = secret
        self._finished = finished
        self._holders = 0
        self._news = asyncio.Event()

    # -- recording

    def hold(self) -> None:
        """Keeps the capture open until it is released once more."""
        self._holders += 1

    async def release(self) -> None:
        self._holders -= 1
        if self._holders:
            return
        self.is_done = True
        self.notify()
        if self._finished:
            await self._finished(self)

    def begin_attempt(
        self,
        choice: int,
        generation: Generation,
        special: Mapping[int, str],
        *,
        base_parts: int,
        answer_prefix: str,
        trigger: str | None,
    ) -> Attempt:
        """Begins the record of a request to an engine; see `Attempt`."""
        attempt = Attempt(choice, generation, special, base_parts, answer_prefix, trigger)
        self._attempts.append(attempt)
        self.notify()
        return attempt

    def add_event(self, choice: int, event: AnswerEvent) -> None:
        """Records an event of the answer number `choice`."""
        match event:
            case CallStart(name):
                self._called.append(name)
            case Text(text) if len(self._text) <= MAX_TEXT:
                self._text += text
        self._events.append({"choice": choice, **event_json(event)})
        self.notify()

    def notify(self) -> None:
        """Wakes those who follow."""
        self._news.set()
        self._news = asyncio.Event()

    async def freeze(self) -> bytes:
        """Returns the document of a request that is over, and keeps nothing else of it."""
        self._frozen = await asyncio.to_thread(lambda: msgspec.json.encode(self.document()))
        timings = self.timings()
        self.timings = lambda: timings
        self.body = self.response = b""
        # New lists: those who follow still read the old ones.
        self._attempts, self._events = [], []
        return self._frozen

    # -- reading

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see: no model was asked, and nothing failed."""
        return not (self._attempts or self.error)

    def document(self) -> Object:
        """Returns all that is recorded so far; docs/captures.md describes it."""
        if self._frozen:
            frozen: Object = msgspec.json.decode(self._frozen)
            return frozen
        return self._shown(
            {
                **self._head(),
                "attempts": [attempt.json() for attempt in self._attempts],
                "events": [*self._events],
                **self._end(),
            }
        )

    def summary(self) -> Object:
        """Returns one line about the request."""
        text = " ".join(self._text.split()) or ", ".join(f"{name}(…)" for name in self._called)
        summary: Object = {
            "id": self.id,
            "time": self._time,
            "model": self.model,
            "endpoint": self.endpoint,
            "status": self.status,
            "is_done": self.is_done,
            "ms": self.timings().get("total_ms"),
            "calls": len(self._called),
            "first_words": text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…",
        }
        return self._shown(summary)

    async def follow(self) -> AsyncGenerator[Message, None]:
        """Yields what is recorded as messages, from the beginning until the request is done.

        `prompt` is an attempt without its tokens and comes again when more is known of it, `token`
        has new tokens of an attempt, `event` is one event, `done` has the rest of the document.
        """
        if self._frozen:
            for message in messages(self.document()):
                yield message
            return
        attempts, events = self._attempts, self._events
        versions: list[int] = []
        tokens: list[int] = []
        sent = 0
        while True:
            news, is_done = self._news, self.is_done
            for name, value in _new_parts(attempts, versions, tokens):
                yield name, self._shown(value)
            unsent = events[sent:]
            sent += len(unsent)
            for event in unsent:
                yield "event", self._shown(event)
            if is_done:
                yield "done", rest(self.document())
                return
            await news.wait()

    def _head(self) -> Object:
        return {
            "version": VERSION,
            "id": self.id,
            "time": self._time,
            "endpoint": self.endpoint,
            "model": self.model,
            "request": readable(self.body),
            **self.asked,
        }

    def _end(self) -> Object:
        return {
            "response": {
                "status": self.status,
                "body": readable(self.response),
            },
            "error": self.error,
            "timings": self.timings(),
            "versions": {**versions()},
        }

    @property
    def _time(self) -> str:
        return self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _shown(self, value: Object) -> Object:
        return masked(value, self._secret) if len(self._secret) >= MIN_LENGTH else value


def _new_parts(
    attempts: Sequence[Attempt], versions: list[int], tokens: list[int]
) -> Iterator[Message]:
    """Yields what is new since `versions` and numbers of `tokens` of the attempts; updates both."""
    for i, attempt in enumerate(attempts):
        if i == len(versions):
            versions.append(-1)
            tokens.append(0)
        if versions[i] != attempt.version:
            versions[i] = attempt.version
            yield "prompt", {"attempt": i, **attempt.head()}
        if new := attempt.tokens_from(tokens[i]):
            tokens[i] += len(new)
            yield "token", {"attempt": i, "tokens": new}


@cache
def versions() -> dict[str, str]:
    """Returns the versions of what makes an answer."""
    found = {"python": platform.python_version()}
    for name, package in PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
