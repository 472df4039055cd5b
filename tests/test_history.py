"""A conversation as clients send it becomes one that chat templates can bear."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.history import (
    alternating,
    arrange,
    calls_as_text,
    fit,
    no_empty_turn,
    one_call_a_turn,
    one_system_text,
    orphans_as_text,
    past_calls_as_text,
    results_as_text,
    system_in_user,
    text_answered,
    text_apart,
    user_first,
    user_last,
)
from gateway.request import Message, Reply, Result, Speech
from gateway.turns import Call, Turn
from gateway.wire.encode import encode
from gateway.wire.families import HERMES

HELLO = Speech("user", "Hello")
A = Call("f", {}, "a")
B = Call("g", {}, "b")
ASKED = Reply(calls=(A, B))


def results(*messages: Message, id_length: int | None = None) -> list[tuple[str, str, str]]:
    arranged = arrange(messages, id_length)
    return [(m.text, m.call_id, m.name) for m in arranged if isinstance(m, Result)]


PAIRED = [("1", "a", "f"), ("2", "b", "g")]


@pytest.mark.parametrize(
    "given",
    [
        (Result("1", "a"), Result("2", "b")),
        (Result("2", "b"), Result("1", "a")),
        (Result("1"), Result("2")),
        (Result("2", name="g"), Result("1", name="f")),
        (Result("2", name="g"), Result("1")),
        (Result("1"), Result("2", "b")),
        (Result("1", "a", "misnamed"), Result("2", "b")),
    ],
)
def test_results_are_paired_by_id_else_name_else_order(given: tuple[Result, ...]) -> None:
    assert results(HELLO, ASKED, *given) == PAIRED


def test_results_of_one_name_are_paired_in_order() -> None:
    twice = Reply(calls=(A, replace(A, id="c")))
    paired = results(twice, Result("1", name="f"), Result("2", name="f"))
    assert paired == [("1", "a", "f"), ("2", "c", "f")]


def test_a_result_of_no_call_stays_where_it_was() -> None:
    assert results(HELLO, Result("1", "z"), HELLO) == [("1", "z", "")]
    assert results(ASKED, Result("3", "z"), Result("1", "a")) == [("1", "a", "f"), ("3", "z", "")]


def test_a_call_without_a_result_has_none() -> None:
    assert results(ASKED, Result("2", "b"), HELLO) == [("2", "b", "g")]
    assert results(ASKED, HELLO) == []


def test_a_result_answers_only_the_turn_before_it() -> None:
    assert results(ASKED, Reply("So."), Result("1")) == [("1", "call_0", "")]


def test_calls_without_ids_are_numbered_through_the_conversation() -> None:
    nameless = Reply(calls=(Call("f", {}), Call("g", {})))
    arranged = arrange([nameless, Result("1"), Result("2"), nameless, Result("3"), Result("4")])
    ids = [call.id for message in arranged if isinstance(message, Reply) for call in message.calls]
    assert ids == ["call_0", "call_1", "call_2", "call_3"]
    assert [m.call_id for m in arranged if isinstance(m, Result)] == ids


def test_two_calls_with_one_id_each_keep_their_result() -> None:
    same = Reply(calls=(A, replace(B, id="a")))
    assert results(same, Result("1", "a"), Result("2", "a")) == [("1", "a", "f"), ("2", "a", "g")]


def test_other_messages_stay_as_they_were() -> None:
    messages: list[Message] = [Speech("system", "x"), HELLO, Reply("y"), HELLO]
    assert arrange(messages) == messages


def test_ids_fit_the_family_and_each_other() -> None:
    long = Reply(calls=(replace(A, id="call_" + "x" * 40), replace(B, id="abcDEF123")))
    [reply, *answers] = arrange([long, Result("1", "call_" + "x" * 40), Result("2")], 9)
    assert isinstance(reply, Reply)
    assert [call.id for call in reply.calls] == [
        m.call_id for m in answers if isinstance(m, Result)
    ]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call.id) for call in reply.calls)
    assert reply.calls[1].id == "abcDEF123"


@given(st.sets(st.text(max_size=40), min_size=2, max_size=30))
def test_different_ids_stay_different_and_the_same_stay_the_same(ids: set[str]) -> None:
    fitted = {id: fit(id, 9) for id in ids}
    assert len(set(fitted.values())) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", new) for new in fitted.values())
    assert all(fit(id, 9) == new and fit(new, 9) == new for id, new in fitted.items())
    assert all(fit(id, None) == id for id in ids)


CALLS = st.builds(
    Call, st.sampled_from("fg"), st.just({}), st.sampled_from(["", "a", "b", "call_0"])
)
RESULTS = st.builds(
    Result,
    st.text("123", max_size=2),
    st.sampled_from(["", "a", "b", "z"]),
    st.sampled_from(["", "f", "g", "h"]),
)
REPLIES = st.builds(Reply, st.just("x"), st.just(""), st.lists(CALLS, max_size=3).map(tuple))


@given(
    st.lists(st.one_of(st.just(HELLO), REPLIES, RESULTS), max_size=8), st.sampled_from([None, 9])
)
def test_nothing_said_is_lost(messages: list[Message], id_length: int | None) -> None:
    arranged = arrange(messages, id_length)

    def said(all: list[Message]) -> list[str]:
        return sorted(word for m in all for word in m.text.split())

    assert said(arranged) == said(messages)
    ids = [m.call_id for m in arranged if isinstance(m, Result)]
    assert all(ids)
    assert id_length is None or all(len(id) == 9 for id in ids)

    parted = one_call_a_turn(arranged)
    assert said(parted) == said(arranged)
    calls = [c for m in arranged if isinstance(m, Reply) for c in m.calls]
    assert [c for m in parted if isinstance(m, Reply) for c in m.calls] == calls
    assert all(len(m.calls) <= 1 for m in parted if isinstance(m, Reply))


def write(reply: Reply) -> str:
    return encode(HERMES, Turn(reply.text, reply.reasoning, reply.calls))


def words(messages: Sequence[Message]) -> Counter[str]:
    """All that is said and called in `messages`."""
    called = [call.name for m in messages if isinstance(m, Reply) for call in m.calls]
    return Counter(re.findall(r"\w+", " ".join([*(m.text for m in messages), *called])))


def roles(messages: Sequence[Message]) -> str:
    """Who speaks, by their first letters, where they do not only call or answer."""
    told = [m for m in messages if not (isinstance(m, Reply) and m.calls)]
    return "".join(
        m.role[0] if isinstance(m, Speech) else "a" for m in told if not isinstance(m, Result)
    )


SPEECHES = st.builds(Speech, st.sampled_from(["user", "system"]), st.sampled_from(["one", "two"]))
FITTINGS: dict[str, Callable[[Sequence[Message]], list[Message]]] = {
    "orphans_as_text": orphans_as_text,
    "text_apart": text_apart,
    "text_answered": text_answered,
    "one_call_a_turn": one_call_a_turn,
    "past_calls_as_text": partial(past_calls_as_text, write),
    "calls_as_text": partial(calls_as_text, write),
    "results_as_text": results_as_text,
    "no_empty_turn": no_empty_turn,
    "one_system_text": one_system_text,
    "user_first": user_first,
    "user_last": user_last,
    "system_in_user": system_in_user,
    "alternating": alternating,
}


@pytest.mark.parametrize("name", FITTINGS)
@given(messages=st.lists(st.one_of(SPEECHES, REPLIES, RESULTS), min_size=1, max_size=8))
def test_nothing_said_is_lost_by_fitting(name: str, messages: list[Message]) -> None:
    arranged = arrange(messages)
    assert not words(arranged) - words(FITTINGS[name](arranged))


@given(st.lists(st.one_of(SPEECHES, REPLIES, RESULTS), min_size=1, max_size=8))
def test_fitted_messages_are_as_was_demanded(messages: list[Message]) -> None:
    arranged = arrange(messages)
    assert "s" not in roles(system_in_user(arranged))
    assert "s" not in roles(one_system_text(arranged))[1:]
    assert not re.search("aa|uu", roles(alternating(one_system_text(arranged))))
    assert not isinstance(user_last(arranged)[-1], Reply) or roles(arranged[-1:]) == "a"
    first = next(m for m in user_first(arranged) if not isinstance(m, Speech) or m.role == "user")
    assert isinstance(first, Speech)
    told = results_as_text(calls_as_text(write, arranged))
    assert not any(isinstance(m, Result) or (isinstance(m, Reply) and m.calls) for m in told)


WELL: list[Message] = [Speech("system", "x"), HELLO, ASKED, *map(Result, "12", "ab"), Reply("y")]


CHANGING = ("one_call_a_turn", "calls_as_text", "results_as_text", "system_in_user")


@pytest.mark.parametrize("name", [name for name in FITTINGS if name not in CHANGING])
def test_what_is_well_formed_stays_as_it_was(name: str) -> None:
    arranged = arrange(WELL)
    assert FITTINGS[name](arranged) == arranged
