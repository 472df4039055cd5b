"""The events of one streamed answer: text, reasoning, tool calls, log-probabilities, the end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from gateway.chat.messages import Call, Turn


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The next piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A tool call begins; `id` is the id that the client knows it by.

    `probability` is that of the name, given that a call is made; None if it is unknown.
    """

    name: str
    id: str = ""
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The next piece of the JSON text of the arguments."""

    json: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The tool call is complete; `id` is the id that the model gave it, or empty."""

    id: str = ""


Event: TypeAlias = Text | Reasoning | CallStart | CallArguments | CallEnd


class NoteKind(Enum):
    """What a note reports about an answer; each value says what happened."""

    REPAIRED = "a tool call was not written as declared, and read as it was meant"
    DROPPED = "a mark without meaning was left out"
    NOT_A_CALL = "text that began as a tool call is none, and is content"
    UNKNOWN_TOOL = "a call of a tool that is not on offer is content"
    UNADDRESSED = "text to a recipient that does not exist was left out"
    TRUNCATED = "a tool call was cut off before it was complete"
    MALFORMED = "a tool call went wrong after part of it was streamed"
    REPEATED = "the same call came three times in a row, so the answer was ended"
    UNENFORCED = "a part of a schema was not enforced during generation"
    VIOLATION = "a call or an answer does not match its schema, or could not be checked"
    THINKING_BUDGET = "the thinking budget was used up"
    UNKNOWN_PROBABILITY = "the engine does not tell how probable a call is"
    NOT_REPRODUCIBLE = "the request asks for a reproducible answer, and this one is none"
    NO_VALID_ANSWER = "retries gave no valid answer, so the text is content"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about one answer: metrics and code go by `kind`, clients read `text`.

    `tool` is the name of the tool whose call does not match its schema.
    """

    kind: NoteKind
    text: str
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts: the prompt, its cached part, the answer, and the answer's reasoning."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def plus(self, tokens: int, *, cached: int, is_reasoning: bool) -> Usage:
        """Adds `tokens` generated tokens; `cached` replaces the count so far."""
        completion = self.completion + tokens
        reasoning = self.reasoning + tokens * is_reasoning
        return Usage(self.prompt, cached, completion, reasoning)


def shared_prompt_usage(usages: Sequence[Usage]) -> Usage:
    """Adds up the usage of several answers to one prompt, whose tokens count once."""
    return Usage(
        prompt=usages[0].prompt,
        cached=max(usage.cached for usage in usages),
        completion=sum(usage.completion for usage in usages),
        reasoning=sum(usage.reasoning for usage in usages),
    )


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token, its bytes, and the natural logarithm of its probability.

    `top` has the most probable tokens in its place.
    """

    token: str
    bytes: list[int]
    logprob: float
    top: tuple[Logprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The engine has accepted the request, so an answer follows.

    `prompt_tokens` is 0 if the engine tells it only with the answer. `fingerprint` is the engine's,
    "" if it has none.
    """

    prompt_tokens: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Logprobs:
    """The log-probabilities of the tokens behind the events that follow."""

    tokens: tuple[Logprob, ...]


class FinishReason(Enum):
    """Why an answer ended; a dialect has its own words for these."""

    STOP = "the model ended its turn"
    STOP_STRING = "the text reached a stop string"
    LENGTH = "the token limit or the context was reached"
    TOOL_CALLS = "the model ended its turn with tool calls"


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer; `notes` says what was repaired, cut off or not enforced.

    `stop_string` is the one that the text reached, if one ended it.
    `call_probability` is the probability that the answer begins with a call, if that is known.
    """

    reason: FinishReason
    usage: Usage
    notes: tuple[Note, ...] = ()
    stop_string: str | None = None
    call_probability: float | None = None


AnswerEvent: TypeAlias = Event | Started | Logprobs | Finished


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """A complete tool call; `arguments` is the JSON text that the model wrote.

    `probability` is that of the name, as in `CallStart`.
    """

    id: str
    name: str
    arguments: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: the fold of its events."""

    text: str
    reasoning: str
    calls: tuple[AnsweredCall, ...]
    logprobs: tuple[Logprob, ...]
    finished: Finished
    fingerprint: str = ""


def identified(event: Event) -> Event:
    """Gives the start of a call a new id."""
    return replace(event, id=call_id()) if isinstance(event, CallStart) else event


def call_id() -> str:
    """Returns a new id for a call."""
    return f"call_{secrets.token_hex(12)}"


def fold(events: Iterable[AnswerEvent]) -> Answer:
    """Folds all events of an answer, up to `Finished`; drops a call that has no end."""
    text, reasoning, arguments, fingerprint = [], [], "", ""
    start = CallStart("")
    calls: list[AnsweredCall] = []
    logprobs: list[Logprob] = []
    for event in events:
        match event:
            case Started(_, fingerprint):
                pass
            case Text(piece):
                text.append(piece)
            case Reasoning(piece):
                reasoning.append(piece)
            case CallStart():
                start, arguments = event, ""
            case CallArguments(piece):
                arguments += piece
            case CallEnd():
                calls.append(AnsweredCall(start.id, start.name, arguments, start.probability))
            case Logprobs(tokens):
                logprobs += tokens
            case Finished():
                joined = "".join(text), "".join(reasoning)
                return Answer(*joined, tuple(calls), tuple(logprobs), event, fingerprint)
    raise ValueError("the events have no end")


def collect(events: Iterable[Event]) -> Turn:
    """Folds a stream of events into the turn that they stream; drops a call that has no end."""
    text, reasoning, name, arguments, id = "", "", "", "", ""
    calls: list[Call] = []
    for event in events:
        match event:
            case Text(piece):
                text += piece
            case Reasoning(piece):
                reasoning += piece
            case CallStart(name, id):
                arguments = ""
            case CallArguments(piece):
                arguments += piece
            case CallEnd():
                calls.append(Call(name, json.loads(arguments), id))
    return Turn(text, reasoning, tuple(calls))
