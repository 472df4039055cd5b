"""Opens the store that models.yaml names."""

from __future__ import annotations

from pathlib import Path

from gateway.api.responses.stored.database import Database, DatabaseError
from gateway.api.responses.stored.sqlite import SqliteDatabase
from gateway.api.responses.stored.store import ResponseStore
from gateway.config.responses import ResponseStorage
from gateway.errors import ConfigError


def open_store(storage: ResponseStorage, folder: Path) -> ResponseStore:
    """Opens the store; `folder` is that of models.yaml. Raises ConfigError."""
    file = folder / storage.file if storage.file else None
    where = "url" if storage.url else f"file {str(file)!r}"
    max_bytes = storage.max_mb * 2**20
    try:
        database = _postgres(storage.url) if storage.url else SqliteDatabase(file)
        return ResponseStore(database, max_bytes=max_bytes, max_days=storage.max_days)
    except DatabaseError as error:
        raise ConfigError(f"responses.{where} can't be used: {error}") from error


def _postgres(url: str) -> Database:
    try:
        from gateway.api.responses.stored.postgres import PostgresDatabase
    except ModuleNotFoundError as error:
        raise DatabaseError("psycopg is missing; install tool-gateway[postgres]") from error
    return PostgresDatabase(url)
