"""The file of stored responses: who may read it, and what is left in it."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.api.responses.stored.opening import open_store
from gateway.api.responses.stored.sqlite import SqliteDatabase
from gateway.api.responses.stored.store import ResponseStore
from gateway.config.responses import ResponseStorage
from gateway.errors import ConfigError
from tests.api.responses.databases import item, put, response


def test_file_keeps_responses_and_the_key(tmp_path: Path) -> None:
    storage = ResponseStorage(file=Path("responses.sqlite"))
    first = open_store(storage, tmp_path)
    put(first, "1")
    first.close()
    second = open_store(storage, tmp_path)
    assert second.response("a", "1")
    assert second.key == first.key
    second.close()


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    store = ResponseStore(SqliteDatabase(tmp_path / "responses.sqlite"))
    put(store, "1")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys([f"responses.sqlite{end}" for end in ("", "-shm", "-wal")], 0o600)
    store.close()


@pytest.mark.parametrize("file", ["text", "missing/responses.sqlite"])
def test_file_that_is_no_database_is_an_error(file: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, " * 100)
    with pytest.raises(ConfigError, match=r"responses\.file"):
        open_store(ResponseStorage(file=Path(file)), tmp_path)


def test_deleted_text_leaves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    store = ResponseStore(SqliteDatabase(file))
    store.put("a", response("1", item("1", "a secret" * 1000)), [])
    store.delete("a", "1")
    store.close()
    assert b"a secret" not in file.read_bytes()
    assert sqlite3.connect(file).execute("SELECT COUNT(*) FROM items").fetchone() == (0,)


def test_file_without_the_table_of_running_responses_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    first = ResponseStore(SqliteDatabase(file))
    put(first, "1")
    first.close()
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE running")
    database.close()
    second = ResponseStore(SqliteDatabase(file))
    assert second.response("a", "1")
    assert second.beat({"1": "in_progress"}) == {}
    second.close()
