"""Stored responses: what is kept, for whom, and how long."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.api.responses.stored.store import DAY_S, ResponseStore
from gateway.chat.json import Object
from gateway.errors import BadRequest, ConfigError, NotFound


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def item(id: str, text: str = "") -> Object:
    return {"id": id, "text": text}


def response(id: str, *output: Object, previous: str | None = None) -> Object:
    return {"id": id, "previous_response_id": previous, "output": [*output]}


def put(store: ResponseStore, id: str, previous: str | None = None, owner: str = "a") -> None:
    """Stores a turn: the question `q-id` and the answer `a-id`."""
    store.put(owner, response(id, item(f"a-{id}"), previous=previous), [item(f"q-{id}")])


def ids(items: list[Object]) -> list[Any]:
    return [one["id"] for one in items]


def test_response_is_returned_as_it_was_stored() -> None:
    store = ResponseStore()
    put(store, "1")
    assert store.response("a", "1") == response("1", item("a-1"))
    assert store.input_items("a", "1") == [item("q-1")]
    assert store.item("a", "a-1") == item("a-1")


def test_conversation_has_all_items_in_order() -> None:
    store = ResponseStore()
    put(store, "1")
    put(store, "2", previous="1")
    put(store, "3", previous="2")
    put(store, "other", previous="1")
    expected = ["q-1", "a-1", "q-2", "a-2", "q-3", "a-3"]
    assert ids(store.conversation("a", "3")) == expected


def test_stored_again_it_replaces_what_was_there() -> None:
    store = ResponseStore()
    put(store, "1")
    store.put("a", response("1", item("new")), [item("q-1")])
    assert ids(store.conversation("a", "1")) == ["q-1", "new"]


def test_only_the_owner_finds_a_response() -> None:
    store = ResponseStore()
    put(store, "1")
    with pytest.raises(NotFound):
        store.response("b", "1")
    with pytest.raises(NotFound):
        store.input_items("b", "1")
    with pytest.raises(NotFound):
        store.delete("b", "1")
    with pytest.raises(BadRequest):
        store.conversation("b", "1")
    assert store.item("b", "a-1") is None
    assert store.response("a", "1")


def test_conversation_that_passes_through_another_owner_is_refused() -> None:
    store = ResponseStore()
    put(store, "1", owner="b")
    put(store, "2", previous="1")
    with pytest.raises(BadRequest, match="'1' is not stored"):
        store.conversation("a", "2")


def test_deleted_response_is_gone_with_its_items() -> None:
    store = ResponseStore()
    put(store, "1")
    store.delete("a", "1")
    with pytest.raises(NotFound):
        store.response("a", "1")
    assert store.item("a", "q-1") is None


def test_least_recently_used_responses_are_deleted_when_there_are_too_many() -> None:
    clock = Clock()
    store = ResponseStore(max_bytes=5000, now_s=clock)
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


def test_unused_responses_are_deleted_after_a_time() -> None:
    clock = Clock()
    store = ResponseStore(max_days=2, now_s=clock)
    put(store, "1")
    put(store, "2")
    clock.now_s += 1.5 * DAY_S
    store.conversation("a", "2")
    clock.now_s += DAY_S
    put(store, "3")
    with pytest.raises(NotFound):
        store.response("a", "1")
    assert store.response("a", "2")


def test_file_keeps_responses_and_the_key(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    first = ResponseStore(file)
    put(first, "1")
    first.close()
    second = ResponseStore(file)
    assert second.response("a", "1")
    assert second.key == first.key
    assert ResponseStore().key != first.key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second.close()


def test_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    file.write_text("no database, " * 100)
    with pytest.raises(ConfigError, match=r"responses\.file"):
        ResponseStore(file)
    with pytest.raises(ConfigError, match=r"responses\.file"):
        ResponseStore(tmp_path / "missing" / "responses.sqlite")


def test_deleted_text_leaves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    store = ResponseStore(file)
    store.put("a", response("1", item("1", "a secret" * 1000)), [])
    store.delete("a", "1")
    store.close()
    assert b"a secret" not in file.read_bytes()
    assert sqlite3.connect(file).execute("SELECT COUNT(*) FROM items").fetchone() == (0,)


def test_response_that_cannot_be_stored_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = ResponseStore()
    store.close()
    put(store, "1")
    assert "the response 1 is not stored" in caplog.text
