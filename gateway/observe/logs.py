"""Log output: lines of text for people, or of JSON for programs."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from gateway.observe.trace import current

LogFormat = Literal["text", "json"]

COLORED = "color_message"  # uvicorn's second copy of a message


def set_up(format: LogFormat, level: int) -> None:
    """Log to standard error; `level` applies to the gateway's own messages."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Readable() if format == "text" else as_json())
    handler.addFilter(identify)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("gateway").setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request


def identify(record: logging.LogRecord) -> bool:
    """A log filter that adds the id of the current request to `record`, and drops nothing."""
    if id := current().id:
        record.request_id = id
    return True


def as_json() -> logging.Formatter:
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=[*RESERVED_ATTRS, COLORED],
        timestamp="time",
    )


class Readable(logging.Formatter):
    """Formats a message and its extra fields as `key=value`, without those in the message."""

    OMITTED = frozenset((*RESERVED_ATTRS, COLORED, "message", "method", "route", "status"))

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = (f" {k}={_shown(v)}" for k, v in vars(record).items() if k not in self.OMITTED)
        return super().formatMessage(record) + "".join(fields)


def _shown(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(value)
