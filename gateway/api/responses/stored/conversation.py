"""The items that a request for a response continues: stored ones, and those of its input."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.responses.body import ResponseBody
from gateway.api.responses.input_items import (
    InputItem,
    ItemReference,
    Message,
    read_items,
    stored_item,
)
from gateway.api.responses.stored.store import ResponseStore
from gateway.chat.json import Object
from gateway.errors import NotFound


def input_items(body: ResponseBody) -> list[InputItem]:
    """Returns the items of `input`, which may be the text of one message."""
    if isinstance(body.input, str):
        return [Message(role="user", content=body.input)]
    return body.input or []


def needs_store(body: ResponseBody) -> bool:
    """Whether a request continues what is stored."""
    is_reference = (isinstance(item, ItemReference) for item in input_items(body))
    return body.previous_response_id is not None or any(is_reference)


def dereferenced(items: Sequence[InputItem], store: ResponseStore, owner: str) -> list[Object]:
    """Returns `items` as they are stored; raises NotFound for a reference to an unknown item."""
    ids = [item.id for item in items if isinstance(item, ItemReference)]
    stored = store.items(owner, ids) if ids else {}
    found = []
    for i, item in enumerate(items):
        if not isinstance(item, ItemReference):
            found.append(stored_item(item))
        elif item.id in stored:
            found.append(stored[item.id])
        else:
            raise NotFound(f"input.{i}: no item {item.id!r} is stored", param=f"input.{i}.id")
    return found


def earlier_items(body: ResponseBody, store: ResponseStore, owner: str) -> list[InputItem]:
    """Returns all items up to the end of the previous response; raises BadRequest."""
    if body.previous_response_id is None:
        return []
    return read_items(store.conversation(owner, body.previous_response_id))
