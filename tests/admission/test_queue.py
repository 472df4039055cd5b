"""Who waits is bounded, keys take turns, and who is turned away is told when to come again."""

from __future__ import annotations

import pytest

from gateway.admission.queue import FIRST_S, MOST_RETRY_S, Queue, Ticket
from gateway.errors import Busy


def entered(queue: Queue, *keys: str, slots: int = 1) -> list[Ticket]:
    tickets = [Ticket(key, slots) for key in keys]
    for ticket in tickets:
        queue.enter(ticket)
    return tickets


def drawn(queue: Queue, running: Ticket) -> str:
    """The keys that are let in, one after another, on the slot that `running` gives up."""
    order = ""
    while running:
        queue.leave(running, 0)
        running, *_ = *queue.admit(0), None
        order += running.key if running else ""
    return order


def test_as_many_as_there_are_slots_are_let_in_at_once() -> None:
    queue = Queue("m", slots=2, most_waiting=5)
    first, second, third = entered(queue, "a", "a", "a")
    assert queue.admit(0) == [first, second]
    assert queue.admit(0) == []
    queue.leave(first, 1)
    assert queue.admit(1) == [third]


def test_keys_take_turns() -> None:
    queue = Queue("m", slots=1, most_waiting=20)
    [running] = entered(queue, "a")
    queue.admit(0)
    entered(queue, *"aaaabbbc")
    assert drawn(queue, running) == "abcababa"


def test_who_is_one_too_many_is_turned_away() -> None:
    queue = Queue("model 'm'", slots=1, most_waiting=1)
    entered(queue, "a")
    queue.admit(0)
    entered(queue, "b")
    with pytest.raises(Busy, match=r"model 'm' has 1 answers under way and 1 waiting"):
        entered(queue, "c")
    assert queue.waiting == 1


def test_without_places_to_wait_a_free_slot_is_still_given() -> None:
    queue = Queue("m", slots=1, most_waiting=0)
    entered(queue, "a")
    assert len(queue.admit(0)) == 1
    with pytest.raises(Busy):
        entered(queue, "b")


def test_who_leaves_while_waiting_costs_nothing() -> None:
    queue = Queue("m", slots=1, most_waiting=5)
    [running] = entered(queue, "a")
    queue.admit(0)
    gone, stays = entered(queue, "b", "c")
    told = queue.retry_after_s
    queue.leave(gone, 100)
    assert queue.retry_after_s < told
    queue.leave(running, 1)
    assert queue.admit(1) == [stays]


def test_a_request_for_several_answers_waits_until_all_have_a_slot() -> None:
    queue = Queue("m", slots=4, most_waiting=5)
    [one] = entered(queue, "a", slots=2)
    entered(queue, "b", slots=3)
    entered(queue, "c")
    assert queue.admit(0) == [one]
    queue.leave(one, 1)
    assert [ticket.key for ticket in queue.admit(1)] == ["b", "c"]


def test_the_time_to_come_again_follows_from_how_long_slots_were_held() -> None:
    queue = Queue("m", slots=2, most_waiting=50)
    assert queue.retry_after_s == FIRST_S / 2
    for _ in range(20):
        [ticket] = entered(queue, "a")
        queue.admit(0)
        queue.leave(ticket, 4)
    assert queue.retry_after_s == 2
    entered(queue, "a", "a", "b", "b", "b")
    queue.admit(0)
    assert queue.retry_after_s == (3 + 1) * 4 / 2
    entered(queue, *"c" * 40)
    assert queue.retry_after_s == MOST_RETRY_S
