"""Reads the text of a capture again, with today's code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from gateway.chat.events import NoteKind
from gateway.chat.json import Json, Object
from gateway.engine.generation import Accepted, Delta, Opened
from gateway.errors import BadRequest
from gateway.generate.capture.reading import Reading
from gateway.generate.retry import Generated, Invalid
from gateway.observe.capture.capture import VERSION
from gateway.observe.capture.event_json import event_json

# What a grammar does not enforce is known to the engine alone.
UNREAD = (NoteKind.UNENFORCED.name.lower(),)
INVALID = NoteKind.NO_VALID_ANSWER.name.lower()


class CapturedOpening(msgspec.Struct, frozen=True):
    """How probable a call was, known before the character `at` of the text."""

    probability: float | None
    is_call: bool
    at: int


class CapturedToken(msgspec.Struct, frozen=True):
    text: str


class CapturedAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What matters of an attempt to read its text: docs/captures.md describes the fields."""

    choice: int
    raw: str
    answer_prefix: str = ""
    earlier_text: str = ""
    tokens: list[CapturedToken] = []
    opening: CapturedOpening | None = None
    interrupted: bool = False
    finish: str | None = None
    error: dict[str, Any] | None = None

    @property
    def is_rejected(self) -> bool:
        """Whether the engine rejected the grammar, so that another attempt followed."""
        return self.error is not None and self.error.get("code") == "unsupported_schema"

    @property
    def pieces(self) -> list[str]:
        """The text as it arrived."""
        pieces = [token.text for token in self.tokens]
        return [*pieces, self.raw[sum(map(len, pieces)) :]]


class Captured(msgspec.Struct, frozen=True, omit_defaults=True):
    """What matters of a capture to read it again; without a `reading` the answer is plain text."""

    version: int
    attempts: list[CapturedAttempt]
    events: list[dict[str, Any]]
    reading: Reading | None = None


def decode(data: bytes) -> Captured:
    """Returns a capture; raises BadRequest if `data` is none, or one of a later version."""
    try:
        found = msgspec.json.decode(data, type=Captured)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"not a capture: {error}") from error
    if found.version > VERSION:
        raise BadRequest(f"a capture of version {found.version}; this program knows {VERSION}")
    return found


def read_again(capture: Captured) -> list[Object]:
    """Returns the events of all answers in the form of `settled`, as today's code reads them."""
    if capture.reading is None:
        return settled(capture.events)
    events: list[Object] = []
    attempts: dict[int, CapturedAttempt] = {}
    for attempt in capture.attempts:
        if not attempt.is_rejected:
            attempts[attempt.choice] = attempt
    finished = {
        event["choice"]: event for event in capture.events if event["type"] == "finished"
    }
    for choice, attempt in attempts.items():
        transcript = capture.reading.transcript(attempt.answer_prefix)
        for output in _outputs(attempt, finished.get(choice)):
            if transcript.finished:
                break
            events += ({"choice": choice, **event_json(one)} for one in transcript.read(output))
    return settled(events)


def _outputs(
    attempt: CapturedAttempt, finished: dict[str, Any] | None
) -> Iterator[Generated]:
    """Yields what the engine has generated, as a `Transcript` reads it.

    `finished` is the recorded end of the answer. There is none after an error: an answer that was
    generated to its end nevertheless was invalid, so its text was never read.
    """
    notes = finished["notes"] if finished else ()
    yield Accepted(0)
    if any(note["kind"] == INVALID for note in notes):
        yield Invalid("")
    if attempt.earlier_text:
        yield Delta(attempt.earlier_text, 0)
    if attempt.finish and not finished:
        return
    opening, length = attempt.opening, 0
    for piece in attempt.pieces:
        opened = None
        if opening and length >= opening.at:
            opened, opening = Opened(opening.probability, opening.is_call), None
        yield Delta(piece, 1, opening=opened)
        length += len(piece)
    if attempt.finish:
        opened = Opened(opening.probability, opening.is_call) if opening else None
        interrupted = attempt.interrupted
        yield Delta("", 0, finish=attempt.finish, was_interrupted=interrupted, opening=opened)


# -- comparing


def settled(events: list[dict[str, Any]]) -> list[Object]:
    """Returns events without what differs each time: ids, usage, probabilities, and their cuts.

    Each answer has its texts whole, then a `call` with the JSON text of its `arguments`, and a
    `finished` with those notes that come from the text. Settled events stay as they are.
    """
    answers = defaultdict(list)
    for event in events:
        answers[event["choice"]].append(event)
    return [one for choice, of in sorted(answers.items()) for one in _settled(choice, of)]


def _settled(choice: int, events: list[dict[str, Any]]) -> Iterator[Object]:
    call: Object | None = None
    for kind, group in groupby(events, key=lambda event: event["type"]):
        each = [*group]
        if kind not in ("call_arguments", "call_end") and call:
            yield call
            call = None
        match kind:
            case "text" | "reasoning":
                text = "".join(event["text"] for event in each)
                yield {"choice": choice, "type": kind, "text": text}
            case "call_start":
                for event in each:
                    yield from [call] if call else []
                    call = _call(choice, event["name"])
            case "call_arguments" if call:
                call["arguments"] = "".join(event["json"] for event in each)
            case "call_end" if call:
                call["is_whole"] = True
            case "call":
                yield from each
            case "finished":
                yield _finished(choice, each[-1])
    if call:
        yield call


def _call(choice: int, name: str) -> Object:
    return {"choice": choice, "type": "call", "name": name, "arguments": "", "is_whole": False}


def _finished(choice: int, event: dict[str, Any]) -> Object:
    notes: list[Json] = [_note(note) for note in event["notes"] if note["kind"] not in UNREAD]
    return {
        "choice": choice,
        "type": "finished",
        "reason": event["reason"],
        "notes": notes,
        "stop_string": event["stop_string"],
    }


def _note(note: dict[str, Any]) -> Json:
    """A note; why no attempt was valid depends on the attempts."""
    is_known = note["kind"] != INVALID
    return {"kind": note["kind"], "text": note["text"] if is_known else ""}


# -- regression cases


def regression_case(data: bytes) -> bytes:
    """Returns a capture without all that does not matter to read it, as JSON to be edited.

    Its events are those that today's code reads.
    """
    capture = decode(data)
    kept = msgspec.to_builtins(capture)
    kept["events"] = read_again(capture)
    for attempt in kept["attempts"]:
        attempt.pop("tokens", None)
    return msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
