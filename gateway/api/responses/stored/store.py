"""Stores responses, so that clients can continue and read them later: SQLite, in memory or a file.

The first statement of a new connection creates what is missing, so an empty file is valid.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock

import msgspec

from gateway.chat.json import Object, json_text
from gateway.errors import BadRequest, ConfigError, NotFound

log = logging.getLogger("gateway")

DAY_S = 86_400
MAX_TURNS = 100_000  # of one conversation; only a broken file has more

SETTINGS = """
PRAGMA auto_vacuum = FULL;
PRAGMA secure_delete = ON;
PRAGMA foreign_keys = ON;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
"""
SCHEMA = """
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
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON responses
    BEGIN UPDATE total SET bytes = bytes + new.bytes; END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON responses
    BEGIN UPDATE total SET bytes = bytes - old.bytes; END;
"""

CONVERSATION = """
WITH RECURSIVE turns (id, previous, age) AS (
    SELECT id, previous, 0 FROM responses WHERE id = :id AND owner = :owner
    UNION ALL
    SELECT earlier.id, earlier.previous, age + 1 FROM turns
    JOIN responses AS earlier ON earlier.id = turns.previous AND earlier.owner = :owner
    WHERE age < :most
)
"""


class ResponseStore:
    """Responses and their items; each belongs to its owner, and no other finds it.

    The owner is the name of an API key, or empty. `max_bytes` and `max_days`, the days since its
    last use, bound what is kept: the least recently used responses are deleted. Safe to use from
    threads. Raises ConfigError for a `file` that can't be used.
    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        max_bytes: int = 64 * 2**20,
        max_days: float = 30,
        now_s: Callable[[], float] = time.time,
    ):
        self._lock = Lock()
        self._max_bytes = max_bytes
        self._max_age_s = max_days * DAY_S
        self._now_s = now_s
        try:
            self._database = _opened(file)
            self.key = self._kept_key()
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(f"responses.file {str(file)!r} can't be used: {error}") from error

    def close(self) -> None:
        self._database.close()

    def put(self, owner: str, response: Object, items: Sequence[Object]) -> None:
        """Stores a response and the `items` of its input, each with an id.

        If that fails, the response is not stored, and the log says why.
        """
        try:
            self._put(owner, response, items)
        except sqlite3.Error as error:
            log.error("the response %s is not stored: %s", response["id"], error)

    def _put(self, owner: str, response: Object, items: Sequence[Object]) -> None:
        output = response["output"]
        assert isinstance(output, list)
        rows = [(str(item["id"]), False, json_text(item)) for item in items]
        rows += [
            (str(item["id"]), True, json_text(item)) for item in output if isinstance(item, dict)
        ]
        id, previous = response["id"], response["previous_response_id"]
        body = json_text({key: value for key, value in response.items() if key != "output"})
        size = len(body) + sum(len(text) for _, _, text in rows)
        with self._lock, self._database as database:
            database.execute("DELETE FROM responses WHERE id = ?", (id,))
            database.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?)",
                (id, owner, previous, body, self._now_s(), size),
            )
            database.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
                ((id, position, *row) for position, row in enumerate(rows)),
            )
            self._evict(database)

    def response(self, owner: str, id: str) -> Object:
        """Returns a response; raises NotFound."""
        with self._lock:
            found = self._rows("SELECT body FROM responses WHERE id = ? AND owner = ?", id, owner)
            if not found:
                raise not_found(id)
            output = self._rows(
                "SELECT body FROM items WHERE response = ? AND is_output ORDER BY position", id
            )
        response: Object = {**_decoded(found)[0], "output": [*_decoded(output)]}
        return response

    def input_items(self, owner: str, id: str) -> list[Object]:
        """Returns the items of the input of one response; raises NotFound."""
        self.response(owner, id)
        with self._lock:
            return _decoded(
                self._rows(
                    "SELECT body FROM items WHERE response = ? AND NOT is_output ORDER BY position",
                    id,
                )
            )

    def conversation(self, owner: str, id: str) -> list[Object]:
        """Returns all items up to the end of a response, which all count as used now.

        Raises BadRequest if a response of the conversation is not stored.
        """
        named = {"id": id, "owner": owner, "most": MAX_TURNS}
        with self._lock, self._database as database:
            turns = database.execute(f"{CONVERSATION} SELECT id, previous FROM turns", named)
            ids = turns.fetchall()
            missing = ids[-1][1] if ids else id
            if missing is not None:
                raise BadRequest(
                    f"previous_response_id: the response {missing!r} is not stored, or not"
                    " complete",
                    param="previous_response_id",
                    code="previous_response_not_found",
                )
            database.executemany(
                "UPDATE responses SET used_s = ? WHERE id = ?",
                [(self._now_s(), turn) for turn, _ in ids],
            )
            rows = database.execute(
                f"{CONVERSATION} SELECT items.body FROM turns JOIN items ON response = turns.id"
                " ORDER BY age DESC, position",
                named,
            )
            return _decoded(rows.fetchall())

    def item(self, owner: str, id: str) -> Object | None:
        """Returns the item with this id, if it is stored."""
        with self._lock:
            found = self._rows(
                "SELECT items.body FROM items JOIN responses ON responses.id = response"
                " WHERE items.id = ? AND owner = ? LIMIT 1",
                id,
                owner,
            )
        return _decoded(found)[0] if found else None

    def delete(self, owner: str, id: str) -> None:
        """Deletes a response; raises NotFound."""
        with self._lock, self._database as database:
            query = "DELETE FROM responses WHERE id = ? AND owner = ?"
            if not database.execute(query, (id, owner)).rowcount:
                raise not_found(id)

    def _evict(self, database: sqlite3.Connection) -> None:
        """Deletes what is too old, and then the least recently used while there is too much."""
        oldest_s = self._now_s() - self._max_age_s
        database.execute("DELETE FROM responses WHERE used_s < ?", (oldest_s,))
        while database.execute("SELECT bytes FROM total").fetchone()[0] > self._max_bytes:
            database.execute(
                "DELETE FROM responses WHERE id ="
                " (SELECT id FROM responses ORDER BY used_s, id LIMIT 1)"
            )

    def _kept_key(self) -> bytes:
        """The key that signs what clients keep; it lasts as long as the responses do."""
        with self._database as database:
            database.execute(
                "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT * FROM secret)",
                (secrets.token_bytes(32),),
            )
            key: bytes = database.execute("SELECT key FROM secret").fetchone()[0]
        return key

    def _rows(self, query: str, *values: str) -> list[tuple[str]]:
        return self._database.execute(query, values).fetchall()


def not_found(id: str) -> NotFound:
    return NotFound(f"no response {id!r} is stored", param="response_id")


def _opened(file: Path | None) -> sqlite3.Connection:
    if file:  # it has what users wrote, so it is for the owner of the process only
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(file or ":memory:", check_same_thread=False)
    database.executescript(SETTINGS + SCHEMA)
    return database


def _decoded(rows: Iterable[tuple[str]]) -> list[Object]:
    return [msgspec.json.decode(body) for (body,) in rows]
