"""The prompt of a request as pieces of text, in the order in which chat templates write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from gateway.chat.json import has_more_structure
from gateway.cluster.routing.blocks import MAX_BYTES

# The fields of a body that become the prompt. Tools come first, as in Anthropic's prompt caching;
# some templates write the system prompt before them.
PROMPTS = {
    "/v1/chat/completions": ("tools", "functions", "messages"),
    "/v1/completions": ("prompt",),
    "/v1/responses": ("tools", "instructions", "input"),
    "/v1/messages": ("tools", "system", "messages"),
    "/api/chat": ("tools", "messages"),
    "/api/generate": ("system", "prompt"),
}
MAX_ITEMS = 4096  # messages and tools
MAX_STRUCTURE = 100_000  # commas and strings of a field, which take 15 ms to decode
ABSENT = msgspec.Raw(b"null")


class Body(msgspec.Struct):
    """What routing reads of a body of any dialect; what may be long is decoded later."""

    model: Any = None
    prompt_cache_key: Any = None
    previous_response_id: Any = None
    metadata: Any = None
    tools: msgspec.Raw = ABSENT
    functions: msgspec.Raw = ABSENT
    system: msgspec.Raw = ABSENT
    instructions: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    prompt: msgspec.Raw = ABSENT


def pieces(path: str, body: Body) -> Iterator[bytes]:
    """Yields the tools, the system prompt and each message, without zero bytes.

    With `previous_response_id`, `input` follows messages that only the replica knows: it is left
    out. Raises msgspec.DecodeError and RecursionError.
    """
    fields = PROMPTS.get(path, ())
    if body.previous_response_id is not None:
        fields = tuple(field for field in fields if field != "input")
    values = (bytes(getattr(body, field)) for field in fields)
    for item in islice(chain.from_iterable(map(_items, values)), MAX_ITEMS):
        yield _piece(msgspec.json.decode(item))


def _items(value: bytes) -> Iterable[bytes]:
    """The items of a list, unless they are tokens. Another value is one item."""
    if value[:1] != b"[":
        return () if value == bytes(ABSENT) else (value,)
    if len(value) > MAX_STRUCTURE and has_more_structure(value, MAX_STRUCTURE, (b",",)):
        return ()
    items = msgspec.json.decode(value, type=list[msgspec.Raw])
    return (value,) if items and bytes(items[0]).isdigit() else map(bytes, items)


def _piece(item: Any) -> bytes:
    """A text, or a message or tool as JSON without what moves on with each turn.

    Claude Code marks the end of the conversation with `cache_control`. To have a place for it, it
    makes a list of a content that was a text before.
    """
    if isinstance(item, str):
        return msgspec.json.encode(item[:MAX_BYTES])[1:-1]
    if isinstance(item, dict):
        item.pop("cache_control", None)
        if isinstance(content := item.get("content"), list):
            item["content"] = _content(content)
    return msgspec.json.encode(item)


def _content(parts: list[Any]) -> Any:
    for part in parts:
        if isinstance(part, dict):
            part.pop("cache_control", None)
    match parts:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
    return parts
