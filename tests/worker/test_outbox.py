"""Deltas are merged on the way to the gateway, and none is lost or late."""

from __future__ import annotations

from io import BytesIO

import pytest

from gateway.engine.generation import Accepted, Delta, TokenDetail
from gateway.engine.protocol import LENGTH, FromWorker, Reply, unpack_from_worker
from gateway.worker.outbox import MERGE_WINDOW_S, Outbox
from tests.worker.fake_llama import delta_of


class Clock:
    """A clock that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Pipe(BytesIO):
    def read_messages(self) -> list[list[FromWorker]]:
        """The messages since the last call, by write."""
        self.seek(0)
        writes = []
        while head := self.read(LENGTH.size):
            writes.append(unpack_from_worker(self.read(*LENGTH.unpack(head))))
        self.seek(0)
        self.truncate()
        return writes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def outbox(pipe: Pipe, clock: Clock) -> Outbox:
    return Outbox(pipe, clock)


def test_the_first_delta_is_written_at_once(outbox: Outbox, pipe: Pipe) -> None:
    outbox.post([Reply(1, Delta("a", 1))])
    assert pipe.read_messages() == [[Reply(1, Delta("a", 1))]]


def test_quick_deltas_are_merged(outbox: Outbox, pipe: Pipe, clock: Clock) -> None:
    outbox.post([Reply(1, Delta("a", 1)), Reply(2, Delta("x", 1))])
    for one, other in ("by", "cz"):
        clock.now_s += MERGE_WINDOW_S * 0.6
        outbox.post([Reply(1, Delta(one, 1)), Reply(2, Delta(other, 2, forced=1))])
    first, second = pipe.read_messages()
    assert first == [Reply(1, Delta("a", 1)), Reply(2, Delta("x", 1))]
    assert second == [Reply(1, Delta("bc", 2)), Reply(2, Delta("yz", 4, forced=2))]


def test_slow_deltas_never_wait(outbox: Outbox, pipe: Pipe, clock: Clock) -> None:
    for text in "abc":
        outbox.post([Reply(1, Delta(text, 1))])
        clock.now_s += MERGE_WINDOW_S * 1.5
    assert [delta_of(post).text for [post] in pipe.read_messages()] == [*"abc"]


def test_a_waiting_delta_is_written_even_if_none_follows(
    outbox: Outbox, pipe: Pipe, clock: Clock
) -> None:
    outbox.post([Reply(1, Delta("a", 1))])
    outbox.post([Reply(1, Delta("b", 1))])
    clock.now_s += MERGE_WINDOW_S * 1.5
    outbox.post([])
    assert pipe.read_messages() == [[Reply(1, Delta("a", 1))], [Reply(1, Delta("b", 1))]]


def test_the_last_delta_is_written_at_once_with_those_that_wait(
    outbox: Outbox, pipe: Pipe, clock: Clock
) -> None:
    outbox.post([Reply(1, Delta("a", 1))])
    clock.now_s += MERGE_WINDOW_S / 10
    outbox.post([Reply(1, Delta("b", 1))])
    outbox.post([Reply(1, Delta("c", 1, 7, "stop"))])
    assert pipe.read_messages() == [
        [Reply(1, Delta("a", 1))],
        [Reply(1, Delta("bc", 2, 7, "stop"))],
    ]


def test_other_messages_are_written_at_once_and_in_order(
    outbox: Outbox, pipe: Pipe, clock: Clock
) -> None:
    outbox.post([Reply(1, Delta("a", 1))])
    outbox.post([Reply(1, Delta("b", 1))])
    outbox.post([Reply(2, Accepted(5)), Reply(1, Delta("c", 1))])
    assert pipe.read_messages() == [
        [Reply(1, Delta("a", 1))],
        [Reply(1, Delta("bc", 2)), Reply(2, Accepted(5))],
    ]


def test_the_details_of_merged_deltas_are_kept_in_order(
    outbox: Outbox, pipe: Pipe, clock: Clock
) -> None:
    details = [TokenDetail(id, text, False, False, 0.5) for id, text in enumerate("abc")]
    outbox.post([Reply(1, Delta("", 0))])
    for detail in details:
        clock.now_s += MERGE_WINDOW_S * 0.3
        outbox.post([Reply(1, Delta(detail.text, 1, details=(detail,)))])
    clock.now_s += MERGE_WINDOW_S
    outbox.post([Reply(1, Delta("", 0, finish="stop"))])
    deltas = [delta_of(message) for write in pipe.read_messages() for message in write]
    assert [detail for delta in deltas for detail in delta.details] == details
