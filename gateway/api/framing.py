"""How the objects of a dialect become the bytes of a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gateway.api import sse
from gateway.chat.json import Object


@dataclass(frozen=True, slots=True)
class Framing:
    """Frames each object; `keep_alive` is sent if there is none for a while, `last` at the end.

    After an error there is no `last`.
    """

    frame: Callable[[Object], bytes]
    keep_alive: bytes
    last: bytes = b""
    media_type: str = "text/event-stream"


def _named_event(value: Object) -> bytes:
    return sse.event(value, str(value["type"]))


def _line(value: Object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


# Server-sent events without a name, as in OpenAI's chat completions.
EVENTS = Framing(sse.event, sse.KEEP_ALIVE, sse.text_event("[DONE]"))
# Server-sent events, each named by its `type`.
NAMED_EVENTS = Framing(_named_event, sse.KEEP_ALIVE)
# JSON lines. Clients parse every line, so a sign of life is white space before the next.
LINES = Framing(_line, b" ", media_type="application/x-ndjson")
