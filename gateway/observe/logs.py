"""How the log is written: lines for people, or JSON for programs."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from gateway.observe.trace import current

LogFormat = Literal["text", "json"]

COLORED = "color_message"  # uvicorn says some things twice


def set_up(format: LogFormat, level: int) -> None:
    """Write what is logged to standard error; `level` is for what the gateway says itself."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Readable() if format == "text" else as_json())
    handler.addFilter(identify)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("gateway").setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request


def identify(record: logging.LogRecord) -> bool:
    """Put the id of the request that is being served into `record`, which always passes."""
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
    """A message, then what else is known as `key=value`; not what the message says already."""

    SAID = frozenset((*RESERVED_ATTRS, COLORED, "message", "method", "route", "status"))

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        more = (f" {k}={_shown(v)}" for k, v in vars(record).items() if k not in self.SAID)
        return super().formatMessage(record) + "".join(more)


def _shown(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(value)
