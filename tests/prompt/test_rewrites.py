"""Rewritten messages meet the requirements of a chat template, and no text is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.messages import Call, Message, Result, Speech, Turn
from gateway.formats.encode import encode
from gateway.formats.families import HERMES
from gateway.prompt.rewrites import (
    alternating_roles,
    calls_as_text,
    no_empty_turns,
    one_call_per_turn,
    one_system_message,
    past_calls_as_text,
    results_as_text,
    system_in_user,
    text_in_own_turn,
    unpaired_results_as_text,
    user_between_turns,
    user_first,
    user_last,
)
from gateway.prompt.tool_ids import arrange
from tests.conversations import HELLO, REPLIES, RESULTS

CALLED = Turn(calls=(Call("f", {}, "a"), Call("g", {}, "b")))


def write(reply: Turn) -> str:
    return encode(HERMES, Turn(reply.text, reply.reasoning, reply.calls))


def words(messages: Sequence[Message]) -> Counter[str]:
    """All texts and calls in `messages`."""
    called = [call.name for m in messages if isinstance(m, Turn) for call in m.calls]
    return Counter(re.findall(r"\w+", " ".join([*(m.text for m in messages), *called])))


def roles(messages: Sequence[Message]) -> str:
    """The first letters of the roles, without calls and results."""
    rewritten = [m for m in messages if not (isinstance(m, Turn) and m.calls)]
    return "".join(
        m.role[0] if isinstance(m, Speech) else "a" for m in rewritten if not isinstance(m, Result)
    )


SPEECHES = st.builds(Speech, st.sampled_from(["user", "system"]), st.sampled_from(["one", "two"]))
FITTINGS: dict[str, Callable[[Sequence[Message]], list[Message]]] = {
    "unpaired_results_as_text": unpaired_results_as_text,
    "text_in_own_turn": text_in_own_turn,
    "user_between_turns": user_between_turns,
    "one_call_per_turn": one_call_per_turn,
    "past_calls_as_text": partial(past_calls_as_text, write),
    "calls_as_text": partial(calls_as_text, write),
    "results_as_text": results_as_text,
    "no_empty_turns": no_empty_turns,
    "one_system_message": one_system_message,
    "user_first": user_first,
    "user_last": user_last,
    "system_in_user": system_in_user,
    "alternating_roles": alternating_roles,
}


@pytest.mark.parametrize("name", FITTINGS)
@given(messages=st.lists(st.one_of(SPEECHES, REPLIES, RESULTS), min_size=1, max_size=8))
def test_rewrites_lose_no_text(name: str, messages: list[Message]) -> None:
    arranged = arrange(messages)
    assert not words(arranged) - words(FITTINGS[name](arranged))


@given(st.lists(st.one_of(SPEECHES, REPLIES, RESULTS), min_size=1, max_size=8))
def test_rewritten_messages_meet_the_requirements(messages: list[Message]) -> None:
    arranged = arrange(messages)
    assert "s" not in roles(system_in_user(arranged))
    assert "s" not in roles(one_system_message(arranged))[1:]
    assert not re.search("aa|uu", roles(alternating_roles(one_system_message(arranged))))
    assert not isinstance(user_last(arranged)[-1], Turn) or roles(arranged[-1:]) == "a"
    first = next(m for m in user_first(arranged) if not isinstance(m, Speech) or m.role == "user")
    assert isinstance(first, Speech)
    calls = [c for m in arranged if isinstance(m, Turn) for c in m.calls]
    parted = [m for m in one_call_per_turn(arranged) if isinstance(m, Turn)]
    assert [c for m in parted for c in m.calls] == calls
    assert all(len(m.calls) <= 1 for m in parted)
    rewritten = results_as_text(calls_as_text(write, arranged))
    assert not any(isinstance(m, Result) or (isinstance(m, Turn) and m.calls) for m in rewritten)


WELL_FORMED: list[Message] = [
    Speech("system", "x"),
    HELLO,
    CALLED,
    *map(Result, "12", "ab"),
    Turn("y"),
]


CHANGING = ("one_call_per_turn", "calls_as_text", "results_as_text", "system_in_user")


@pytest.mark.parametrize("name", [name for name in FITTINGS if name not in CHANGING])
def test_rewrites_do_not_change_messages_that_meet_the_requirement(name: str) -> None:
    arranged = arrange(WELL_FORMED)
    assert FITTINGS[name](arranged) == arranged
