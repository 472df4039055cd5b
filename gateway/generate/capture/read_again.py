"""Reads the text of a capture again, with today's code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.chat.json import Object
from gateway.engine.generation import Accepted, Delta, Opened
from gateway.errors import BadRequest, NoValidAnswer
from gateway.generate.capture.reading import Reading
from gateway.generate.capture.settled import INVALID, settled
from gateway.generate.retry import Generated, Invalid
from gateway.observe.capture.capture import VERSION
from gateway.observe.capture.event_json import event_json


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
    error: dict[str, Any] | None = None


def decode(data: bytes) -> Captured:
    """Returns a capture; raises BadRequest if `data` is none, or one of a later version."""
    try:
        found = msgspec.json.decode(data, type=Captured)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"not a capture: {error}") from error
    if found.version > VERSION:
        raise BadRequest(f"a capture of version {found.version}; this program knows {VERSION}")
    try:
        settled(found.events)
    except (LookupError, TypeError) as error:
        raise BadRequest(f"not a capture: an event is malformed: {error!r}") from error
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
    was_refused = capture.error is not None and capture.error.get("code") == NoValidAnswer.code
    given_up = {
        event["choice"]
        for event in capture.events
        for note in event.get("notes", ())
        if note["kind"] == INVALID
    }
    for choice, attempt in attempts.items():
        transcript = capture.reading.transcript(attempt.answer_prefix)
        outputs = _outputs(attempt, was_refused=was_refused, is_text=choice in given_up)
        for output in outputs:
            if transcript.finished:
                break
            events += ({"choice": choice, **event_json(one)} for one in transcript.read(output))
    return settled(events)


def _outputs(attempt: CapturedAttempt, *, was_refused: bool, is_text: bool) -> Iterator[Generated]:
    """Yields what the engine has generated, as a `Transcript` reads it.

    No attempt was valid if the answer `was_refused`, so that it was not read, or if it `is_text`.
    """
    yield Accepted(0)
    if is_text:
        yield Invalid("")
    if attempt.earlier_text:
        yield Delta(attempt.earlier_text, 0)
    if was_refused:
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
