"""The capture of one request: what was asked, what the model was shown and wrote, what was read."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

import msgspec

from gateway.chat.events import AnswerEvent
from gateway.chat.json import Json, Object
from gateway.engine.generation import Generation
from gateway.observe.capture.attempt import Attempt
from gateway.observe.capture.event_json import event_json
from gateway.observe.capture.secrets import MIN_LENGTH, masked, without_named_secrets

VERSION = 1
PART_BYTES = 100  # of a token or an event
PACKAGES = {
    "tool-gateway": "tool-gateway",
    "llama.cpp": "llama-cpp-python",
    "llguidance": "llguidance",
}

Message: TypeAlias = tuple[str, Object]  # a name, and its value
Timings: TypeAlias = Callable[[], Object]


class Capture:
    """Records a request while it runs; all that leaves it is without secrets.

    `owner` is the name of the API key that asked, `secret` the key itself. `is_done` once all who
    `hold` it have released it; then `finished` is called.
    """

    def __init__(
        self,
        id: str,
        endpoint: str,
        *,
        owner: str = "",
        secret: str = "",
        finished: Callable[[Capture], Awaitable[None]] | None = None,
    ):
        self.id = id
        self.endpoint = endpoint
        self.owner = owner
        self.time = datetime.now(UTC)
        self.model = ""
        self.body = b""
        self.response = b""
        self.status: int | None = None
        self.error: Object | None = None
        self.asked: Object = {}
        self.attempts: list[Attempt] = []
        self.events: list[Object] = []
        self.timings: Timings = dict
        self.is_done = False
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
        self.attempts.append(attempt)
        self.notify()
        return attempt

    def add_event(self, choice: int, event: AnswerEvent) -> None:
        """Records an event of the answer number `choice`."""
        self.events.append({"choice": choice, **event_json(event)})
        self.notify()

    def notify(self) -> None:
        """Wakes those who follow."""
        self._news.set()
        self._news = asyncio.Event()

    # -- reading

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see: no model was asked, and nothing failed."""
        return not self.attempts and self.error is None

    def document(self) -> Object:
        """Returns all that is recorded so far; docs/captures.md describes it."""
        return self._shown(
            {
                **self._head(),
                "attempts": [attempt.json() for attempt in self.attempts],
                "events": [*self.events],
                **self._end(),
            }
        )

    @property
    def size(self) -> int:
        """About how many bytes the document has."""
        texts = sum(len(attempt.generation.grammar or "") for attempt in self.attempts)
        tokens = sum(len(attempt.tokens) for attempt in self.attempts)
        prompts = sum(
            len(part)
            for attempt in self.attempts
            for part in attempt.generation.prompt
            if isinstance(part, str)
        )
        parts = tokens + len(self.events)
        return len(self.body) + len(self.response) + texts + prompts + parts * PART_BYTES

    def encoded(self) -> bytes:
        """Returns the document as JSON."""
        return msgspec.json.format(msgspec.json.encode(self.document()), indent=1)

    def summary(self) -> Object:
        """Returns one line about the request."""
        total = self.timings().get("total_ms")
        summary: Object = {
            "id": self.id,
            "time": self._time,
            "model": self.model,
            "endpoint": self.endpoint,
            "status": self.status,
            "is_done": self.is_done,
            "ms": total,
            "calls": sum(event["type"] == "call_start" for event in self.events),
            "first_words": self._first_words(),
        }
        return self._shown(summary)

    async def follow(self) -> AsyncGenerator[Message, None]:
        """Yields what is recorded as messages, from the beginning until the request is done.

        `prompt` is an attempt without its tokens and comes again when more is known of it, `token`
        has new tokens of an attempt, `event` is one event, `done` has the rest of the document.
        """
        versions: list[int] = []
        tokens: list[int] = []
        events = 0
        while True:
            news, is_done = self._news, self.is_done
            for name, value in self._new_parts(versions, tokens):
                yield name, self._shown(value)
            unread = self.events[events:]
            events += len(unread)
            for event in unread:
                yield "event", self._shown(event)
            if is_done:
                yield "done", self._shown({**self._head(), **self._end()})
                return
            await news.wait()

    def _new_parts(self, versions: list[int], tokens: list[int]) -> Iterator[Message]:
        for i, attempt in enumerate(self.attempts):
            if i == len(versions):
                versions.append(-1)
                tokens.append(0)
            if versions[i] != attempt.version:
                versions[i] = attempt.version
                yield "prompt", {"attempt": i, **attempt.head()}
            if new := attempt.tokens_from(tokens[i]):
                tokens[i] += len(new)
                yield "token", {"attempt": i, "tokens": new}

    def _head(self) -> Object:
        return {
            "version": VERSION,
            "id": self.id,
            "time": self._time,
            "endpoint": self.endpoint,
            "model": self.model,
            "request": without_named_secrets(_json(self.body)),
            **self.asked,
        }

    def _end(self) -> Object:
        return {
            "response": {
                "status": self.status,
                "body": without_named_secrets(_json(self.response)),
            },
            "error": self.error,
            "timings": self.timings(),
            "versions": {**versions()},
        }

    @property
    def _time(self) -> str:
        return self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _first_words(self) -> str:
        calls = (str(event["name"]) for event in self.events if event["type"] == "call_start")
        texts = (str(event["text"]) for event in self.events if event["type"] == "text")
        text = " ".join("".join(texts).split()) or ", ".join(f"{name}(…)" for name in calls)
        return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"

    def _shown(self, value: Object) -> Object:
        return masked(value, self._secret) if len(self._secret) >= MIN_LENGTH else value


MAX_WORDS = 80  # characters


def _json(data: bytes) -> Json:
    """Returns the JSON in `data`, or its text if it is none; None if it is empty."""
    if not data:
        return None
    try:
        value: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode(errors="replace")
    return value


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
