"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import msgspec
from sse_starlette import ServerSentEvent

from gateway.chat.json import Object

KEEP_ALIVE = b": ping\n\n"  # a comment, which clients skip


def event(value: Object, name: str | None = None) -> bytes:
    """Returns `value` as the event `name`.

    >>> event({"a": 1})
    b'data: {"a":1}\\n\\n'
    """
    return text_event(msgspec.json.encode(value).decode(), name)


def text_event(data: str, name: str | None = None) -> bytes:
    """Returns `data` as the event `name`."""
    return ServerSentEvent(data, event=name, sep="\n").encode()
