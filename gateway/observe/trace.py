"""What is recorded of a request, for its log line and the metrics."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from gateway.chat.events import (
    AnswerEvent,
    CallEnd,
    CallStart,
    Event,
    Finished,
    FinishReason,
    Note,
)
from gateway.chat.json import Object
from gateway.chat.request import Sampling
from gateway.engine.generation import Accepted, Delta, PromptUsage
from gateway.observe.call_outcomes import outcomes
from gateway.observe.capture.capture import Capture
from gateway.observe.tool_outcomes import CallsByTool

FINISH_LABELS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_STRING: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
}

CLIENTS_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(given: str = "") -> str:
    """Returns the client's own id if it is safe in a header and a log, else a new one."""
    return given if CLIENTS_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A complete tool call: the id that the client knows, and when it ended."""

    name: str
    id: str
    end_s: float


@dataclass(slots=True)
class AnswerTrace:
    """The record of one answer. `calls` counts tool calls by outcome.

    `text` has the generated text, if that is to be logged.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    forced_tokens: int = 0
    asked_s: float = field(default_factory=time.monotonic)
    first_s: float | None = None
    last_s: float | None = None
    finish: str = "unfinished"
    calls: Counter[str] = field(default_factory=Counter)
    text: list[str] | None = None
    tools: CallsByTool = field(default_factory=CallsByTool)
    tool_calls: list[TracedCall] = field(default_factory=list)
    open_call: CallStart | None = None

    def record(self, output: object) -> None:
        """Records an output of the engine."""
        if isinstance(output, Accepted | PromptUsage):
            self.prompt_tokens = output.prompt_tokens
        if not isinstance(output, Delta):
            return
        if output.tokens and self.first_s is None:
            self.first_s = time.monotonic()
        self.last_s = time.monotonic()
        self.cached_tokens = output.cached_tokens
        self.generated_tokens += output.tokens
        self.forced_tokens += output.forced
        if self.text is not None:
            self.text.append(output.text)

    def follow(self, event: AnswerEvent, notes: Sequence[Note]) -> None:
        """Records an event; `notes` are those of the decoder so far."""
        self.tools.follow(event, notes)
        match event:
            case CallStart():
                self.open_call = event
            case CallEnd() if call := self.open_call:
                self.tool_calls.append(TracedCall(call.name, call.id, time.monotonic()))

    def complete(
        self,
        finished: Finished,
        events: Sequence[Event] = (),
        notes: Sequence[Note] = (),
    ) -> None:
        """Records the end of the answer; `notes` are those of the decoder."""
        self.finish = FINISH_LABELS[finished.reason]
        self.calls = outcomes(events, notes)
        self.tools.finish(finished.notes)


@dataclass(slots=True)
class Totals:
    """The tokens of all answers to a request, and their tool calls by outcome."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    forced_tokens: int = 0
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Trace:
    """The record of one request.

    `client` is who sent it: the name of the API key, or without one the address.
    `route` is the path as it is declared, or "other" with the requested `path` if no route has it,
    `error` one of the API's codes or types, and `ignored_fields` are those of the body that have no
    meaning here, `replaced_surrogates` counts the lone surrogates in it. With `keeps_text` prompts
    and answers are logged too. Each prompt has `each` answers. The request
    entered the queue, left it and had its model at `queued_s`, `admitted_s` and `ready_s`.
    `trace_id` is OpenTelemetry's trace id, and `operation` its `gen_ai.operation.name`: chat,
    text_completion or embeddings.
    """

    id: str = ""
    method: str = ""
    keeps_text: bool = False
    start_s: float = field(default_factory=time.monotonic)
    duration_s: float = 0.0
    route: str = ""
    path: str = ""
    status: int = 0
    model: str = ""
    error: str = ""
    ignored_fields: list[str] = field(default_factory=list)
    replaced_surrogates: int = 0
    prompt: str = ""
    answers: list[AnswerTrace] = field(default_factory=list)
    each: int = 1
    offered_tools: Sequence[str] = ()
    trace_id: str = ""
    operation: str = ""
    sampling: Sampling | None = None
    queued_s: float | None = None
    admitted_s: float | None = None
    ready_s: float | None = None
    capture: Capture | None = None
    client: str = ""

    def begin(self, each: int, prompts: Sequence[str]) -> list[AnswerTrace]:
        """Begins the records of `each` answers to each of `prompts`, in this order."""
        self.prompt = "\n".join(prompts) if self.keeps_text else ""
        self.each, count = each, each * len(prompts)
        self.answers = [AnswerTrace(text=[] if self.keeps_text else None) for _ in range(count)]
        return self.answers

    @property
    def first_token_s(self) -> float | None:
        """The time from the request's arrival to the first token of any answer."""
        firsts = [answer.first_s for answer in self.answers if answer.first_s is not None]
        return min(firsts) - self.start_s if firsts else None

    def phases(self) -> dict[str, tuple[float, float]]:
        """The start and the end of each phase that is over, in seconds of the monotonic clock.

        With several answers, `prefill` ends with the first token of any, `decode` with the last.
        """
        firsts = [answer.first_s for answer in self.answers if answer.first_s is not None]
        lasts = [answer.last_s for answer in self.answers if answer.last_s is not None]
        asked_s = min((answer.asked_s for answer in self.answers), default=None)
        first_s, last_s = min(firsts, default=None), max(lasts, default=None)
        spans = {
            "queue": (self.queued_s, self.admitted_s),
            "load": (self.admitted_s, self.ready_s),
            "prefill": (asked_s, first_s),
            "decode": (first_s, last_s),
        }
        return {
            name: (start, end)
            for name, (start, end) in spans.items()
            if start is not None and end is not None
        }

    def timings(self) -> Object:
        """The phases in milliseconds, and what was generated; a phase that is not over is None."""
        phases, totals, first_s = self.phases(), self.totals(), self.first_token_s
        until_s = self.duration_s or time.monotonic() - self.start_s
        each = {name: _ms(end - start) for name, (start, end) in phases.items()}
        return {
            **{f"{name}_ms": each.get(name) for name in ("queue", "load", "prefill", "decode")},
            "first_token_ms": None if first_s is None else _ms(first_s),
            "total_ms": _ms(until_s),
            "tokens": totals.generated_tokens,
            "skipped_ahead": totals.forced_tokens,
        }

    def totals(self) -> Totals:
        """Adds up all answers; a prompt counts once, as in the API's `usage`."""
        totals = Totals()
        for i, answer in enumerate(self.answers):
            if i % self.each == 0:
                prompt = self.answers[i : i + self.each]
                totals.prompt_tokens += max(one.prompt_tokens for one in prompt)
                totals.cached_tokens += max(one.cached_tokens for one in prompt)
            totals.generated_tokens += answer.generated_tokens
            totals.forced_tokens += answer.forced_tokens
            totals.calls.update(answer.calls)
        return totals

    def fields(self) -> dict[str, Any]:
        """The fields of the log line; empty ones are left out."""
        fields = {
            "request_id": self.id,
            "trace_id": self.trace_id,
            "method": self.method,
            "route": self.route,
            "path": self.path,
            "status": self.status,
            "model": self.model,
            "error": self.error,
            "duration_s": round(self.duration_s, 4),
            "replaced_surrogates": self.replaced_surrogates or "",
        }
        if self.answers:
            first_s, totals = self.first_token_s, self.totals()
            fields |= {
                "prompt_tokens": totals.prompt_tokens,
                "cached_tokens": totals.cached_tokens,
                "generated_tokens": totals.generated_tokens,
                "forced_tokens": totals.forced_tokens,
                "first_token_s": "" if first_s is None else round(first_s, 4),
                "finish": ",".join(answer.finish for answer in self.answers),
                "calls": totals.calls.total(),
            }
        if self.keeps_text and self.answers:
            fields["prompt"] = self.prompt
            fields["answers"] = ["".join(answer.text or ()) for answer in self.answers]
        return {name: value for name, value in fields.items() if value != ""}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


_current: ContextVar[Trace] = ContextVar("trace")


def current() -> Trace:
    """Returns the record of the current request; outside of a request, one that is dropped."""
    return _current.get(None) or Trace()


def follow(trace: Trace) -> None:
    """Makes `trace` the current record, in this task and in those that it starts."""
    _current.set(trace)
