"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import msgspec

from gateway.chat.json import Object

KEEP_ALIVE = b": ping\n\n"  # a comment, which clients skip


def event(value: Object, name: str | None = None) -> bytes:
    """Returns `value` as the event `name`.

    >>> event({"a": 1})
    b'data: {"a":1}\\n\\n'
    """
    return line_event(msgspec.json.encode(value), name)


def line_event(data: bytes, name: str | None = None) -> bytes:
    """Returns `data`, which is one line, as the event `name`."""
    head = f"event: {name}\n".encode() if name else b""
    return b"%bdata: %b\n\n" % (head, data)
