"""Costly messages are prepared beside others; a job that was cancelled before is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event

import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Generation
from gateway.engine.protocol import Cancel, Generate, Tokenize, ToWorker
from gateway.worker.inbox import Inbox

COSTLY = 1


def job(id: int) -> Generate:
    return Generate(id, Generation(["Hi"], Sampling(), None, 1))


class Preparation:
    """Prepares a message by counting; the costly job waits until `go_on` is set."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()
        self.done: list[ToWorker] = []

    def __call__(self, message: ToWorker) -> int:
        if self.is_costly(message):
            self.begun.set()
            self.go_on.wait()
        self.done.append(message)
        return len(self.done)

    @staticmethod
    def is_costly(message: ToWorker) -> bool:
        return message == job(COSTLY)


@pytest.fixture
def preparation() -> Preparation:
    return Preparation()


def inbox_of(messages: Iterable[ToWorker], preparation: Preparation) -> Inbox[int]:
    return Inbox(messages, preparation, preparation.is_costly)


def taken(inbox: Inbox[int], count: int) -> list[tuple[ToWorker, int]]:
    """The next `count` messages, with what was prepared for them."""
    found: list[tuple[ToWorker, int]] = []
    while len(found) < count:
        found += [one for one in inbox.take(wait_s=60) if one]
    return found


def test_messages_are_taken_in_order_with_what_was_prepared(preparation: Preparation) -> None:
    messages: list[ToWorker] = [job(2), Tokenize(3, ["a"]), job(4)]
    inbox = inbox_of(messages, preparation)
    assert taken(inbox, 3) == [(job(2), 1), (Tokenize(3, ["a"]), 2), (job(4), 3)]
    assert preparation.done == messages


def test_others_overtake_a_costly_job(preparation: Preparation) -> None:
    never = Event()

    def messages() -> Iterator[ToWorker]:
        yield from (job(COSTLY), job(2), job(3))
        never.wait()

    inbox = inbox_of(messages(), preparation)
    assert [message for message, _ in taken(inbox, 2)] == [job(2), job(3)]
    assert list(inbox.take(wait_s=0.01)) == []
    assert inbox.is_preparing
    preparation.go_on.set()
    assert [message for message, _ in taken(inbox, 1)] == [job(COSTLY)]
    assert not inbox.is_preparing
    never.set()


def test_a_job_that_is_cancelled_while_it_is_prepared_is_left_out(
    preparation: Preparation,
) -> None:
    never = Event()

    def messages() -> Iterator[ToWorker]:
        yield job(COSTLY)
        preparation.begun.wait()
        yield from (Cancel(COSTLY), job(2))
        never.wait()

    inbox = inbox_of(messages(), preparation)
    assert [message for message, _ in taken(inbox, 2)] == [Cancel(COSTLY), job(2)]
    preparation.go_on.set()
    never.set()
    rest: list[object] = []
    while None not in rest:
        rest += inbox.take(wait_s=60)
    assert rest == [None]


def test_a_job_that_was_taken_is_cancelled_by_the_loop(preparation: Preparation) -> None:
    was_taken = Event()

    def messages() -> Iterator[ToWorker]:
        yield job(2)
        was_taken.wait()
        yield Cancel(2)

    inbox = inbox_of(messages(), preparation)
    assert [message for message, _ in taken(inbox, 1)] == [job(2)]
    was_taken.set()
    assert [message for message, _ in taken(inbox, 1)] == [Cancel(2)]


def test_nothing_is_waited_for_if_that_is_not_wanted(preparation: Preparation) -> None:
    ended = Event()

    def messages() -> Iterator[ToWorker]:
        ended.wait()
        yield from ()

    inbox = inbox_of(messages(), preparation)
    assert list(inbox.take()) == []
    ended.set()
    assert list(inbox.take(wait_s=60)) == [None]
