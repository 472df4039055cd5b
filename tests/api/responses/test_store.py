"""Stored responses: what is kept, for whom, and how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.responses.stored.sqlite import SqliteDatabase
from gateway.api.responses.stored.store import DAY_S, MAX_SILENCE_S, ResponseStore
from gateway.chat.json import Object
from gateway.errors import BadRequest, NotFound
from tests.api.responses.conftest import SHARED
from tests.api.responses.databases import begun, item, put, response

NewStore = Callable[..., ResponseStore]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def ids(items: list[Object]) -> list[Any]:
    return [one["id"] for one in items]


def test_response_is_returned_as_it_was_stored(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1")
    assert store.response("a", "1") == response("1", item("a-1"))
    assert store.input_items("a", "1") == [item("q-1")]
    assert store.items("a", ["a-1", "q-1", "x"]) == {"a-1": item("a-1"), "q-1": item("q-1")}


def test_conversation_has_all_items_in_order(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1")
    put(store, "2", previous="1")
    put(store, "3", previous="2")
    put(store, "other", previous="1")
    expected = ["q-1", "a-1", "q-2", "a-2", "q-3", "a-3"]
    assert ids(store.conversation("a", "3")) == expected


def test_stored_again_it_replaces_what_was_there(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1")
    store.put("a", response("1", item("new")), [item("q-1")])
    assert ids(store.conversation("a", "1")) == ["q-1", "new"]


def test_only_the_owner_finds_a_response(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1")
    with pytest.raises(NotFound):
        store.response("b", "1")
    with pytest.raises(NotFound):
        store.input_items("b", "1")
    with pytest.raises(NotFound):
        store.delete("b", "1")
    with pytest.raises(BadRequest):
        store.conversation("b", "1")
    assert store.items("b", ["a-1"]) == {}
    assert store.response("a", "1")


def test_conversation_that_passes_through_another_owner_is_refused(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1", owner="b")
    put(store, "2", previous="1")
    with pytest.raises(BadRequest, match="'1' is not stored"):
        store.conversation("a", "2")


def test_deleted_response_is_gone_with_its_items(new_store: NewStore) -> None:
    store = new_store()
    put(store, "1")
    store.delete("a", "1")
    with pytest.raises(NotFound):
        store.response("a", "1")
    assert store.items("a", ["q-1"]) == {}


def test_least_recently_used_responses_are_deleted_when_there_are_too_many(
    new_store: NewStore,
) -> None:
    clock = Clock()
    store = new_store(max_bytes=5000, now_s=clock)
    for id in "123":
        store.put("a", response(id, item(id, "x" * 1400)), [])
        clock.now_s += 1
    store.conversation("a", "1")
    store.put("a", response("4", item("4", "x" * 1400)), [])
    assert store.response("a", "1")
    with pytest.raises(NotFound):
        store.response("a", "2")
    assert store.response("a", "3")
    assert store.response("a", "4")


def test_unused_responses_are_deleted_after_a_time(new_store: NewStore) -> None:
    clock = Clock()
    store = new_store(max_days=2, now_s=clock)
    put(store, "1")
    put(store, "2")
    clock.now_s += 1.5 * DAY_S
    store.conversation("a", "2")
    clock.now_s += DAY_S
    put(store, "3")
    with pytest.raises(NotFound):
        store.response("a", "1")
    assert store.response("a", "2")


@pytest.mark.parametrize("storage", SHARED, indirect=True)
def test_stores_of_one_database_share_responses_and_the_key(new_store: NewStore) -> None:
    first, second = new_store(), new_store()
    put(first, "1")
    put(second, "2", previous="1")
    assert ids(first.conversation("a", "2")) == ["q-1", "a-1", "q-2", "a-2"]
    assert second.key == first.key
    first.delete("a", "1")
    with pytest.raises(NotFound):
        second.response("a", "1")


def test_stores_without_a_database_share_nothing() -> None:
    first, second = (ResponseStore(SqliteDatabase()) for _ in range(2))
    assert first.key != second.key


def test_bytes_that_are_stored_are_counted_once(new_store: NewStore) -> None:
    store = new_store(max_bytes=10_000)
    for _ in range(50):
        store.put("a", response("1", item("1", "x" * 4000)), [])
    store.put("a", response("2", item("2", "x" * 4000)), [])
    assert store.response("a", "1")
    assert store.response("a", "2")


def test_many_small_responses_make_room_for_a_large_one(new_store: NewStore) -> None:
    store = new_store(max_bytes=30_000)
    for number in range(250):
        put(store, f"{number:03}")
    store.put("a", response("large", item("1", "x" * 29_000)), [])
    with pytest.raises(NotFound):
        store.response("a", "200")
    assert store.response("a", "large")
    assert store.response("a", "249")


def test_response_that_is_too_large_alone_is_not_kept(new_store: NewStore) -> None:
    store = new_store(max_bytes=1000)
    store.put("a", response("1", item("1", "x" * 2000)), [])
    with pytest.raises(NotFound):
        store.response("a", "1")


def test_ids_that_a_client_made_up_are_found(new_store: NewStore) -> None:
    store, odd = new_store(), "q'\0 \N{SNOWMAN} $1 ?"
    store.put("a", response("1", item("out", "\0")), [item(odd)])
    assert store.items("a", [odd, "out"]) == {odd: item(odd), "out": item("out", "\0")}
    with pytest.raises(NotFound):
        store.response("a", odd)


# -- in the background


def test_response_in_progress_is_seen_with_its_status(new_store: NewStore) -> None:
    store = new_store()
    store.begin("a", begun("1"), [item("q-1")])
    assert store.response("a", "1")["status"] == "queued"
    assert store.input_items("a", "1") == [item("q-1")]
    assert store.beat({"1": "in_progress"}) == {"1": False}
    assert store.response("a", "1")["status"] == "in_progress"
    with pytest.raises(BadRequest, match="not complete"):
        store.conversation("a", "1")
    store.complete("a", response("1", item("a-1")), [item("q-1")])
    assert store.response("a", "1") == response("1", item("a-1"))
    assert ids(store.conversation("a", "1")) == ["q-1", "a-1"]
    assert store.beat({"1": "completed"}) == {}


def test_gateway_learns_what_is_cancelled_and_what_is_deleted(new_store: NewStore) -> None:
    store = new_store()
    for id in "123":
        store.begin("a", begun(id), [])
    with pytest.raises(NotFound):
        store.cancel("b", "1")
    assert store.cancel("a", "1")["status"] == "queued"
    store.delete("a", "2")
    statuses = dict.fromkeys("123", "in_progress")
    assert store.beat(statuses) == {"1": True, "3": False}


def test_deleted_response_is_not_stored_when_it_completes(new_store: NewStore) -> None:
    store = new_store()
    store.begin("a", begun("1"), [])
    store.delete("a", "1")
    store.complete("a", response("1", item("a-1")), [])
    with pytest.raises(NotFound):
        store.response("a", "1")


def test_response_fails_when_its_gateway_is_silent(new_store: NewStore) -> None:
    clock = Clock()
    store = new_store(now_s=clock)
    store.begin("a", begun("1"), [])
    store.begin("a", begun("2"), [])
    for _ in range(3):
        clock.now_s += MAX_SILENCE_S - 1
        store.beat({"1": "in_progress"})
    assert store.response("a", "1")["status"] == "in_progress"
    found = store.response("a", "2")
    assert found["status"] == "failed"
    assert found["error"] == {
        "code": "server_error",
        "message": "the gateway that generated it has stopped",
    }
    store.beat({"2": "in_progress"})  # it was only slow
    assert store.response("a", "2")["status"] == "in_progress"


def test_responses_in_progress_count_as_used(new_store: NewStore) -> None:
    clock = Clock()
    store = new_store(max_bytes=5000, now_s=clock)
    store.begin("a", begun("1"), [])
    for id in "234":
        clock.now_s += 1
        store.put("a", response(id, item(id, "x" * 2400)), [])
        store.beat({"1": "in_progress"})
    assert store.response("a", "1")
    with pytest.raises(NotFound):
        store.response("a", "2")
