"""Databases of stored responses, and what is stored in them."""

from __future__ import annotations

from pathlib import Path

from gateway.api.responses.stored.database import Database
from gateway.api.responses.stored.postgres import PostgresDatabase
from gateway.api.responses.stored.sqlite import SqliteDatabase
from gateway.api.responses.stored.store import ResponseStore
from gateway.chat.json import Object

Storage = dict[str, str]  # the section `responses` of models.yaml


def database(storage: Storage) -> Database:
    if "url" in storage:
        return PostgresDatabase(storage["url"])
    return SqliteDatabase(Path(storage["file"]) if "file" in storage else None)


def item(id: str, text: str = "") -> Object:
    return {"id": id, "text": text}


def response(id: str, *output: Object, previous: str | None = None) -> Object:
    return {"id": id, "previous_response_id": previous, "output": [*output]}


def begun(id: str) -> Object:
    return {**response(id), "status": "queued"}


def put(store: ResponseStore, id: str, previous: str | None = None, owner: str = "a") -> None:
    """Stores a turn: the question `q-id` and the answer `a-id`."""
    store.put(owner, response(id, item(f"a-{id}"), previous=previous), [item(f"q-{id}")])
