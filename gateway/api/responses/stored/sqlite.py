"""Responses in SQLite: in memory, or in a file that several processes of one machine may share."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from gateway.api.responses.stored.database import DatabaseError, Value

MAX_WAIT_S = 10.0  # for the transactions of other processes
RETRY_S = 0.05

SETTINGS = """
PRAGMA auto_vacuum = FULL;
PRAGMA secure_delete = ON;
PRAGMA foreign_keys = ON;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
"""
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS secret (key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS responses (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, previous TEXT, body TEXT NOT NULL,
    used_s REAL NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON responses (used_s);
CREATE TABLE IF NOT EXISTS items (
    response TEXT NOT NULL REFERENCES responses ON DELETE CASCADE,
    position INTEGER NOT NULL, id TEXT NOT NULL, is_output INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (response, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_id ON items (id);
CREATE TABLE IF NOT EXISTS running (
    response TEXT PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
    gateway TEXT NOT NULL, status TEXT NOT NULL, is_cancelled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_gateway ON running (gateway);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON responses
    BEGIN UPDATE total SET bytes = bytes + new.bytes; END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON responses
    BEGIN UPDATE total SET bytes = bytes - old.bytes; END;
COMMIT;
"""


class SqliteDatabase:
    """Without a `file`, in memory. An empty file is valid. Raises DatabaseError."""

    def __init__(self, file: Path | None = None):
        self._lock = Lock()
        with _translated():
            if file:  # it has what users wrote, so it is for the owner of the process only
                os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                file or ":memory:", MAX_WAIT_S, isolation_level=None, check_same_thread=False
            )
            self._prepare()

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[_Transaction]:
        with _translated(), self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            yield _Transaction(self._connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        """Waits for other processes here, as SQLite does not wait to change the journal's mode."""
        deadline_s = time.monotonic() + MAX_WAIT_S
        while True:
            try:
                self._connection.executescript(SETTINGS + SCHEMA)
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline_s:
                    raise
                time.sleep(RETRY_S)


class _Transaction:
    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def execute(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, _numbered(values)).fetchall()

    def execute_many(self, query: str, rows: Iterable[Sequence[Value]]) -> None:
        self._connection.executemany(query, map(_numbered, rows))


def _numbered(values: Sequence[Value]) -> dict[str, Value]:
    """To SQLite, `$1` is a name."""
    return {str(number): value for number, value in enumerate(values, 1)}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise DatabaseError(str(error)) from error
