"""Messages are prepared in order; a job that was cancelled before its turn is left out."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from gateway.chat.request import Sampling
from gateway.engine.generation import Generation
from gateway.engine.protocol import Cancel, Generate, Tokenize, ToWorker
from gateway.worker.inbox import Inbox


def job(id: int) -> Generate:
    return Generate(id, Generation(["Hi"], Sampling(), None, 1))


def all_of(inbox: Inbox) -> list[ToWorker]:
    """What is taken until the end of the input."""
    taken: list[ToWorker] = []
    while True:
        for message in inbox.take(wait=True):
            if message is None:
                return taken
            taken.append(message)


def test_messages_are_taken_in_order_and_prepared_before() -> None:
    messages: list[ToWorker] = [job(1), Tokenize(2, ["a"]), job(3)]
    prepared: list[ToWorker] = []
    assert all_of(Inbox(messages, prepared.append)) == messages
    assert prepared == messages


def test_a_job_that_is_cancelled_before_its_turn_is_left_out() -> None:
    """The first job is still being prepared when the others arrive."""
    all_read, prepared = Event(), list[ToWorker]()

    def messages() -> Iterator[ToWorker]:
        yield from (job(1), job(2), job(3), Cancel(2), Cancel(1))
        all_read.set()

    def prepare(message: ToWorker) -> None:
        all_read.wait()
        prepared.append(message)

    inbox = Inbox(messages(), prepare)
    assert all_of(inbox) == [job(3), Cancel(2), Cancel(1)]
    assert job(2) not in prepared


def test_nothing_is_waited_for_if_that_is_not_wanted() -> None:
    ended = Event()

    def messages() -> Iterator[ToWorker]:
        ended.wait()
        yield from ()

    inbox = Inbox(messages(), lambda _: None)
    assert list(inbox.take(wait=False)) == []
    ended.set()
    assert all_of(inbox) == []
