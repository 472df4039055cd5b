"""Only as many calls as may be made are passed on."""

from __future__ import annotations

import pytest

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, NoteKind, Text
from gateway.generate.call_limit import CallLimit

CALL: list[Event] = [CallStart("f"), CallArguments("{}"), CallEnd()]
ANSWER: list[Event] = [Text("a"), *CALL, Text("b"), *CALL, *CALL, Text("c")]


@pytest.mark.parametrize("size", [1, 4, len(ANSWER)])
def test_the_first_call_is_kept_and_the_others_are_noted(size: int) -> None:
    limit = CallLimit(1)
    pieces = [ANSWER[start : start + size] for start in range(0, len(ANSWER), size)]
    found = [event for piece in pieces for event in limit.filter(piece)]
    assert found == [Text("a"), *CALL, Text("b"), Text("c")]
    assert [note.kind for note in limit.notes] == [NoteKind.DROPPED] * 2
    assert "'f'" in limit.notes[0].text


def test_without_a_limit_all_calls_are_passed_on() -> None:
    limit = CallLimit(None)
    assert [*limit.filter(ANSWER)] == ANSWER
    assert limit.notes == []
