"""Calls and results of a conversation are matched, and their ids fit the format."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.messages import Call, Message, Result, Speech, Turn
from gateway.prompt.tool_ids import arrange, fit
from tests.conversations import REPLIES, RESULTS
from tests.work import lines_run

HELLO = Speech("user", "Hello")
A = Call("f", {}, "a")
B = Call("g", {}, "b")
ASKED = Turn(calls=(A, B))


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
def test_results_are_matched_by_id_else_name_else_order(given: tuple[Result, ...]) -> None:
    assert results(HELLO, ASKED, *given) == PAIRED


def test_results_of_one_name_are_matched_in_order() -> None:
    twice = Turn(calls=(A, replace(A, id="c")))
    paired = results(twice, Result("1", name="f"), Result("2", name="f"))
    assert paired == [("1", "a", "f"), ("2", "c", "f")]


def many(count: int) -> list[Message]:
    """A turn of `count` calls, and their results in the opposite order."""
    calls = tuple(Call("f", {}, f"call_{i}") for i in range(count))
    return [Turn(calls=calls), *(Result("1", call.id) for call in reversed(calls))]


def test_the_work_of_matching_grows_with_the_number_of_calls() -> None:
    few, more = many(100), many(200)
    assert lines_run(lambda: arrange(more)) < 2.5 * lines_run(lambda: arrange(few))


def test_a_result_without_a_call_stays_in_place() -> None:
    assert results(HELLO, Result("1", "z"), HELLO) == [("1", "z", "")]
    assert results(ASKED, Result("3", "z"), Result("1", "a")) == [("1", "a", "f"), ("3", "z", "")]


def test_a_call_without_a_result_gets_none() -> None:
    assert results(ASKED, Result("2", "b"), HELLO) == [("2", "b", "g")]
    assert results(ASKED, HELLO) == []


def test_a_result_belongs_to_the_turn_before_it() -> None:
    assert results(ASKED, Turn("So."), Result("1")) == [("1", "result_2", "")]


def test_calls_without_ids_are_numbered() -> None:
    nameless = Turn(calls=(Call("f", {}), Call("g", {})))
    arranged = arrange([nameless, Result("1"), Result("2"), nameless, Result("3"), Result("4")])
    ids = [call.id for message in arranged if isinstance(message, Turn) for call in message.calls]
    assert ids == ["call_0", "call_1", "call_2", "call_3"]
    assert [m.call_id for m in arranged if isinstance(m, Result)] == ids


def test_two_calls_with_the_same_id_keep_their_results() -> None:
    same = Turn(calls=(A, replace(B, id="a")))
    paired = [("1", "a", "f"), ("2", "a_1", "g")]
    assert results(same, Result("1", "a"), Result("2", "a")) == paired


def test_an_id_that_is_in_use_is_replaced() -> None:
    again: list[Message] = [Turn(calls=(A,)), Result("1", "a")]
    assert results(*again, *again) == [("1", "a", "f"), ("1", "a_1", "f")]
    assert results(*again, Turn(calls=(replace(A, id=""),)), Result("1")) == [
        ("1", "a", "f"),
        ("1", "call_1", "f"),
    ]
    first, second = results(*again, *again, id_length=9)
    assert first[1] != second[1]
    assert len(second[1]) == 9


def test_other_messages_are_not_changed() -> None:
    messages: list[Message] = [Speech("system", "x"), HELLO, Turn("y"), HELLO]
    assert arrange(messages) == messages


def test_ids_of_calls_and_results_have_the_format_s_length() -> None:
    long = Turn(calls=(replace(A, id="call_" + "x" * 40), replace(B, id="abcDEF123")))
    [reply, *answers] = arrange([long, Result("1", "call_" + "x" * 40), Result("2")], 9)
    assert isinstance(reply, Turn)
    assert [call.id for call in reply.calls] == [
        m.call_id for m in answers if isinstance(m, Result)
    ]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call.id) for call in reply.calls)
    assert reply.calls[1].id == "abcDEF123"


def test_the_model_s_own_ids_are_kept_even_if_used_twice() -> None:
    asked: tuple[Message, ...] = (
        *(Turn(calls=(A,)), Result("1", "a")),
        *(Turn(calls=(B,)), Result("2", "b")),
    )
    own = {"a": "abcDEF123", "b": "abcDEF123"}
    arranged = arrange(asked, 9, own)
    assert [m.call_id for m in arranged if isinstance(m, Result)] == ["abcDEF123"] * 2
    assert arrange(asked, 9, {"a": "too long for it"}) == arrange(asked, 9)


@given(st.sets(st.text(max_size=40), min_size=2, max_size=30))
def test_fitted_ids_are_unique_and_stable(ids: set[str]) -> None:
    fitted = {id: fit(id, 9) for id in ids}
    assert len(set(fitted.values())) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", new) for new in fitted.values())
    assert all(fit(id, 9) == new and fit(new, 9) == new for id, new in fitted.items())
    assert all(fit(id, None) == id for id in ids)


@given(
    st.lists(st.one_of(st.just(HELLO), REPLIES, RESULTS), max_size=8), st.sampled_from([None, 9])
)
def test_arranging_loses_no_text(messages: list[Message], id_length: int | None) -> None:
    arranged = arrange(messages, id_length)

    def said(all: list[Message]) -> list[str]:
        return sorted(word for m in all for word in m.text.split())

    assert said(arranged) == said(messages)
    ids = [m.call_id for m in arranged if isinstance(m, Result)]
    assert all(ids)
    assert id_length is None or all(len(id) == 9 for id in ids)
    called = [call.id for m in arranged if isinstance(m, Turn) for call in m.calls]
    assert len(called) == len(set(called))
