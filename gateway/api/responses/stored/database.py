"""What the store needs of a database: transactions, with SQL of SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = "str | bytes | float | None"


class DatabaseError(Exception):
    """A database can't be used, or not now; the message has no password."""


class Transaction(Protocol):
    """The values of a query are `$1`, `$2` and so on in its text."""

    def execute(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        """Returns the rows, if the query has any."""
        ...

    def execute_many(self, query: str, rows: Iterable[Sequence[Value]]) -> None: ...


class Database(Protocol):
    """Safe to use from threads, and beside other processes that use the same database."""

    def transaction(self, *, writes: bool = False) -> AbstractContextManager[Transaction]:
        """All of its queries see the same state; of those that write, one runs at a time.

        An exception within it undoes what it has written. Raises DatabaseError.
        """
        ...

    def close(self) -> None: ...
