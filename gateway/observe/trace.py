"""One request while it is served: what its line in the log and the metrics will tell of it."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from gateway.chat.events import Event, FinishReason, Note
from gateway.engine.generation import Accepted, Delta
from gateway.observe.call_outcomes import outcomes

FINISH_LABELS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_STRING: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
}

CLIENTS_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(given: str = "") -> str:
    """The client's own id if it is fit for a header and a log, else a new one."""
    return given if CLIENTS_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"


@dataclass(slots=True)
class Account:
    """Of one answer: how it went so far. `calls` counts them by outcome; `text` may be kept."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    forced_tokens: int = 0
    first_s: float | None = None
    finish: str = "unfinished"
    calls: Counter[str] = field(default_factory=Counter)
    text: list[str] | None = None

    def took(self, piece: object) -> None:
        """The engine gave `piece`."""
        if isinstance(piece, Accepted):
            self.prompt_tokens = piece.prompt_tokens
        if not isinstance(piece, Delta):
            return
        if piece.tokens and self.first_s is None:
            self.first_s = time.monotonic()
        self.cached_tokens = piece.cached_tokens
        self.generated_tokens += piece.tokens
        self.forced_tokens += piece.forced
        if self.text is not None:
            self.text.append(piece.text)

    def ended(self, reason: FinishReason, events: Sequence[Event], notes: Sequence[Note]) -> None:
        """All of it was read, as `events`; `notes` are the decoder's."""
        self.finish = FINISH_LABELS[reason]
        self.calls = outcomes(events, notes)


@dataclass(slots=True)
class Trace:
    """`route` is the path as it is declared, `error` one of the API's codes or types.

    `keeps_text` says that what is asked and answered goes into the log too.
    """

    id: str = ""
    method: str = ""
    keeps_text: bool = False
    start_s: float = field(default_factory=time.monotonic)
    duration_s: float = 0.0
    route: str = ""
    status: int = 0
    model: str = ""
    error: str = ""
    prompt: str = ""
    answers: list[Account] = field(default_factory=list)
    each: int = 1

    def begin(self, each: int, prompts: Sequence[str]) -> list[Account]:
        """So many answers to each of `prompts` are about to be written, a prompt's in a row."""
        self.prompt = "\n".join(prompts) if self.keeps_text else ""
        self.each, count = each, each * len(prompts)
        self.answers = [Account(text=[] if self.keeps_text else None) for _ in range(count)]
        return self.answers

    @property
    def first_token_s(self) -> float | None:
        """From the request's arrival to the first token of any answer."""
        firsts = [answer.first_s for answer in self.answers if answer.first_s is not None]
        return min(firsts) - self.start_s if firsts else None

    @property
    def prompt_tokens(self) -> int:
        """A prompt counts once, however many answers it has, as in `usage`."""
        return self._once([answer.prompt_tokens for answer in self.answers])

    @property
    def cached_tokens(self) -> int:
        return self._once([answer.cached_tokens for answer in self.answers])

    @property
    def generated_tokens(self) -> int:
        return sum(answer.generated_tokens for answer in self.answers)

    @property
    def forced_tokens(self) -> int:
        return sum(answer.forced_tokens for answer in self.answers)

    @property
    def calls(self) -> Counter[str]:
        return sum((answer.calls for answer in self.answers), Counter())

    def fields(self) -> dict[str, Any]:
        """What a line in the log says of it; what there is nothing to say of is left out."""
        said = {
            "request_id": self.id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "model": self.model,
            "error": self.error,
            "duration_s": round(self.duration_s, 4),
        }
        if self.answers:
            first_s = self.first_token_s
            said |= {
                "prompt_tokens": self.prompt_tokens,
                "cached_tokens": self.cached_tokens,
                "generated_tokens": self.generated_tokens,
                "forced_tokens": self.forced_tokens,
                "first_token_s": "" if first_s is None else round(first_s, 4),
                "finish": ",".join(answer.finish for answer in self.answers),
                "calls": self.calls.total(),
            }
        if self.keeps_text and self.answers:
            said["prompt"] = self.prompt
            said["answers"] = ["".join(answer.text or ()) for answer in self.answers]
        return {name: value for name, value in said.items() if value != ""}

    def _once(self, tokens: Sequence[int]) -> int:
        """What the answers to a prompt have in common, over all prompts."""
        return sum(max(tokens[i : i + self.each]) for i in range(0, len(tokens), self.each))


_current: ContextVar[Trace] = ContextVar("trace")


def current() -> Trace:
    """Of the request that is being served; outside of any, one that nobody will read."""
    return _current.get(None) or Trace()


def follow(trace: Trace) -> None:
    """From here on, in this task and in those that it starts, `trace` is the current one."""
    _current.set(trace)
