"""The events of a capture, without what differs each time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from gateway.chat.events import NoteKind
from gateway.chat.json import Json, Object

INVALID = NoteKind.NO_VALID_ANSWER.name.lower()
# What a grammar does not enforce is known to the engine alone.
UNREAD = (NoteKind.UNENFORCED.name.lower(),)


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
