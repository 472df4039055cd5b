"""The queue is bounded, API keys take turns, and a rejected request gets a Retry-After."""

from __future__ import annotations

import pytest

from gateway.admission.queue import INITIAL_HOLD_S, MAX_RETRY_S, Queue, SlotRequest
from gateway.errors import Busy


def entered(queue: Queue, *keys: str, slots: int = 1) -> list[SlotRequest]:
    requests = [SlotRequest(key, slots) for key in keys]
    for request in requests:
        queue.enter(request)
    return requests


def order_of(queue: Queue, running: SlotRequest) -> str:
    """The keys in the order in which they get the one slot, which `running` releases first."""
    order = ""
    while running:
        queue.leave(running, 0)
        running, *_ = *queue.admit(0), None
        order += running.api_key if running else ""
    return order


def test_requests_are_admitted_while_slots_are_free() -> None:
    queue = Queue("m", slots=2, max_waiting=5)
    first, second, third = entered(queue, "a", "a", "a")
    assert queue.admit(0) == [first, second]
    assert queue.admit(0) == []
    queue.leave(first, 1)
    assert queue.admit(1) == [third]


def test_keys_take_turns() -> None:
    queue = Queue("m", slots=1, max_waiting=20)
    [running] = entered(queue, "a")
    queue.admit(0)
    entered(queue, *"aaaabbbc")
    assert order_of(queue, running) == "abcababa"


def test_a_full_queue_raises_busy() -> None:
    queue = Queue("model 'm'", slots=1, max_waiting=1)
    entered(queue, "a")
    queue.admit(0)
    entered(queue, "b")
    with pytest.raises(Busy, match=r"model 'm' is at capacity: 1 slots in use, 1 requests waiting"):
        entered(queue, "c")
    assert queue.waiting == 1


def test_more_slots_admit_those_that_wait() -> None:
    queue = Queue("m", slots=1, max_waiting=5)
    requests = entered(queue, "a", "a", "a")
    assert queue.admit(0) == requests[:1]
    queue.resize(2, max_waiting=5)
    assert queue.admit(0) == requests[1:2]


def test_fewer_slots_are_given_out_once_enough_are_released() -> None:
    queue = Queue("m", slots=2, max_waiting=5)
    first, second, third = entered(queue, "a", "a", "a")
    assert queue.admit(0) == [first, second]
    queue.resize(1, max_waiting=5)
    queue.leave(first, 0)
    assert queue.admit(0) == []
    queue.leave(second, 0)
    assert queue.admit(0) == [third]


def test_a_queue_of_length_zero_still_gives_out_free_slots() -> None:
    queue = Queue("m", slots=1, max_waiting=0)
    entered(queue, "a")
    assert len(queue.admit(0)) == 1
    with pytest.raises(Busy):
        entered(queue, "b")


def test_a_request_that_leaves_the_queue_does_not_change_the_mean_time() -> None:
    queue = Queue("m", slots=1, max_waiting=5)
    [running] = entered(queue, "a")
    queue.admit(0)
    gone, stays = entered(queue, "b", "c")
    retry_after_s = queue.retry_after_s
    queue.leave(gone, 100)
    assert queue.retry_after_s < retry_after_s
    queue.leave(running, 1)
    assert queue.admit(1) == [stays]


def test_a_request_for_several_slots_waits_until_all_are_free() -> None:
    queue = Queue("m", slots=4, max_waiting=5)
    [one] = entered(queue, "a", slots=2)
    entered(queue, "b", slots=3)
    entered(queue, "c")
    assert queue.admit(0) == [one]
    queue.leave(one, 1)
    assert [request.api_key for request in queue.admit(1)] == ["b", "c"]


def test_retry_after_follows_the_mean_time_that_slots_are_held() -> None:
    queue = Queue("m", slots=2, max_waiting=50)
    assert queue.retry_after_s == INITIAL_HOLD_S / 2
    for _ in range(20):
        [request] = entered(queue, "a")
        queue.admit(0)
        queue.leave(request, 4)
    assert queue.retry_after_s == 2
    entered(queue, "a", "a", "b", "b", "b")
    queue.admit(0)
    assert queue.retry_after_s == (3 + 1) * 4 / 2
    entered(queue, *"c" * 40)
    assert queue.retry_after_s == MAX_RETRY_S
