"""The outcome of each call, from the events and the notes of its decoder."""

from __future__ import annotations

import pytest

from gateway.chat.messages import Tool
from gateway.formats.families import FAMILIES
from gateway.observe.call_outcomes import OUTCOMES, outcomes
from gateway.parsing.decoder import Decoder
from tests.fakes import call

TOOLS = (Tool("get_time", "", {"properties": {"city": {"type": "string"}}}),)
CALL = call("get_time", {"city": "Rome"})
TWICE = '<tool_call>\n{"name": "get_time", "arguments": "{\\"city\\": \\"Rome\\"}"}\n</tool_call>'
OTHER_KEYS = '<tool_call>\n{"arguments": {"city": "Rome"}, "name": "get_time"}\n</tool_call>'


def read(text: str, *, whole_calls: bool, complete: bool) -> dict[str, int]:
    decoder = Decoder(FAMILIES["hermes"], TOOLS, whole_calls=whole_calls)
    events = [*decoder.feed(text), *decoder.close(complete=complete)]
    return dict(outcomes(events, decoder.notes))


@pytest.mark.parametrize("whole_calls", [True, False])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello.", {}),
        (CALL, {"whole": 1}),
        (f"{CALL}\n{CALL}", {"whole": 2}),
        (CALL.replace("get_time", "get_rich"), {"refused": 1}),
    ],
    ids=["text", "a call", "two calls", "no tool"],
)
def test_calls_are_counted_by_outcome(text: str, told: dict[str, int], whole_calls: bool) -> None:
    assert read(text, whole_calls=whole_calls, complete=True) == told


@pytest.mark.parametrize("text", [TWICE, OTHER_KEYS, f"{CALL}\n</tool_call>"])
def test_tolerated_call_counts_as_repaired(text: str) -> None:
    assert read(text, whole_calls=True, complete=True) == {"repaired": 1}


@pytest.mark.parametrize("whole_calls", [True, False])
def test_call_cut_off_at_any_position_counts_as_truncated(whole_calls: bool) -> None:
    for length in range(len("<tool_call>\n"), len(CALL) - len("\n</tool_call>")):
        told = read(CALL[:length], whole_calls=whole_calls, complete=False)
        assert told == {"truncated": 1}, CALL[:length]


def test_call_before_a_truncated_one_counts_as_whole() -> None:
    told = read(f"{CALL}\n{CALL[:60]}", whole_calls=False, complete=False)
    assert told == {"whole": 1, "truncated": 1}


def test_outcomes_are_whole_repaired_truncated_and_refused() -> None:
    assert set(OUTCOMES) == {"whole", "repaired", "truncated", "refused"}
