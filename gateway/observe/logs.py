"""Log output: lines of text for people, or of JSON for programs."""

from __future__ import annotations

import logging
import os
import sys
from types import MappingProxyType
from typing import Any, Literal, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from gateway.observe.trace import current

LogFormat = Literal["text", "json"]

COLORED = "color_message"  # uvicorn's second copy of a message


def set_up(format: LogFormat, level: int) -> None:
    """Log to standard error; `level` applies to the gateway's own messages."""
    handler = logging.StreamHandler(sys.stderr)
    is_text = format == "text"
    handler.setFormatter(Readable(color=shows_color(sys.stderr)) if is_text else as_json())
    handler.addFilter(identify)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    logging.getLogger("gateway").setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # the gateway logs what it does itself


def shows_color(stream: TextIO) -> bool:
    """Whether text in `stream` may be coloured; see https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


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
    """Formats time, level, message and extra fields as `key=value`, without those in the message.

    With `color`, the level is coloured and the time is dimmed.
    """

    OMITTED = frozenset((*RESERVED_ATTRS, COLORED, "message", "method", "route", "status"))
    COLORS = MappingProxyType({"INFO": 32, "WARNING": 33, "ERROR": 31, "CRITICAL": 31})
    DIM = 2

    def __init__(self, *, color: bool = False) -> None:
        super().__init__("%(asctime)s", "%Y-%m-%d %H:%M:%S")
        self._color = color

    def formatMessage(self, record: logging.LogRecord) -> str:
        level = self._colored(f"{record.levelname:<7}", self.COLORS.get(record.levelname, self.DIM))
        fields = (f" {k}={_shown(v)}" for k, v in vars(record).items() if self._is_shown(k))
        time = self._colored(record.asctime, self.DIM)
        return f"{time} {level} {record.message}{''.join(fields)}"

    def _is_shown(self, name: str) -> bool:
        """Whether a field is for people; Ray adds some with an underscore."""
        return name not in self.OMITTED and not name.startswith("_")

    def _colored(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text


def _shown(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(value)
