"""Responses in PostgreSQL, which gateways on several machines may share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel

from gateway.api.responses.stored.database import DatabaseError, Value

CONNECT_S = 5  # seconds until a server that does not answer counts as unreachable
# A gateway that is cut off within a transaction blocks others for 5 s; they wait for longer.
SETTINGS = b"SET idle_in_transaction_session_timeout = '5s'; SET statement_timeout = '10s'"
LOCK = "SELECT pg_advisory_xact_lock(8663472937)"  # a number that no other program uses
SCHEMA = """
CREATE TABLE secret (key BYTEA NOT NULL);
CREATE TABLE responses (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, previous TEXT, body TEXT NOT NULL,
    used_s DOUBLE PRECISION NOT NULL, bytes BIGINT NOT NULL
);
CREATE INDEX responses_by_use ON responses (used_s);
CREATE TABLE items (
    response TEXT NOT NULL REFERENCES responses ON DELETE CASCADE,
    position INTEGER NOT NULL, id TEXT NOT NULL, is_output BOOLEAN NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (response, position)
);
CREATE INDEX items_by_id ON items (id);
CREATE TABLE running (
    response TEXT PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
    gateway TEXT NOT NULL, status TEXT NOT NULL, is_cancelled BOOLEAN NOT NULL
);
CREATE INDEX running_by_gateway ON running (gateway);
CREATE TABLE total (bytes BIGINT NOT NULL);
INSERT INTO total VALUES (0);
CREATE FUNCTION count_response() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE total SET bytes = bytes + CASE TG_OP WHEN 'INSERT' THEN NEW.bytes ELSE -OLD.bytes END;
    RETURN NULL;
END $$;
CREATE TRIGGER counted AFTER INSERT OR DELETE ON responses
    FOR EACH ROW EXECUTE FUNCTION count_response();
"""


class PostgresDatabase:
    """Creates the tables if they are missing. Raises DatabaseError.

    A connection that was lost is replaced. `url` has no password: libpq reads it from `PGPASSWORD`
    or from a password file.
    """

    def __init__(self, url: str):
        self._url = url
        self._idle: deque[Connection] = deque()
        with self.transaction(writes=True) as transaction:
            if transaction.execute("SELECT to_regclass('responses')") == [(None,)]:
                transaction.execute(SCHEMA)

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[_Transaction]:
        with _translated():
            connection = self._connected()
            connection.isolation_level = None if writes else IsolationLevel.REPEATABLE_READ
            try:
                with connection.transaction():
                    transaction = _Transaction(connection)
                    if writes:
                        transaction.execute(LOCK)
                    yield transaction
            finally:
                self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _connected(self) -> Connection:
        """An idle connection that works, or else a new one."""
        while connection := self._take_idle():
            try:
                connection.execute(b"")
                return connection
            except psycopg.OperationalError:
                connection.close()
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,  # for PgBouncer
            cursor_factory=psycopg.RawCursor,
            connect_timeout=CONNECT_S,
            tcp_user_timeout=2 * CONNECT_S * 1000,
            application_name="tool-gateway",
        )
        connection.execute(SETTINGS)
        return connection

    def _take_idle(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None


class _Transaction:
    def __init__(self, connection: Connection):
        self._connection = connection

    def execute(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(query.encode(), _storable(values) or None)
        return cursor.fetchall() if cursor.description else []

    def execute_many(self, query: str, rows: Iterable[Sequence[Value]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(query.encode(), map(_storable, rows))


def _storable(values: Sequence[Value]) -> list[Value]:
    """PostgreSQL has no NUL in text, as an id that a client made up may have."""
    return [
        value.replace("\0", "\N{SYMBOL FOR NULL}") if isinstance(value, str) else value
        for value in values
    ]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(" ".join(str(error).split())) from error
