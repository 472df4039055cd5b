"""The log as a person reads it, and as a program does."""

from __future__ import annotations

import io
import json
import logging

import pytest

from gateway.observe.logs import Readable, as_json, shows_color


def record(level: int, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("gateway", level, __file__, 1, "loading %s", ("m",), None)
    vars(made).update(fields)
    return made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "is_colored"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_only_a_terminal_gets_colors(
    stream: io.StringIO,
    environment: dict[str, str],
    is_colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"NO_COLOR": "", "TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    assert shows_color(stream) == is_colored


def test_line_has_time_level_message_and_fields() -> None:
    line = Readable().format(record(logging.WARNING, model="m", note="two words"))
    assert line[10] == " "
    assert line[19:] == " WARNING loading m model=m note='two words'"


def test_color_is_added_to_the_time_and_the_level_alone() -> None:
    plain, colored = (Readable(color=c).format(record(logging.ERROR)) for c in (False, True))
    assert colored == f"\x1b[2m{plain[:19]}\x1b[0m \x1b[31mERROR  \x1b[0m loading m"


def test_json_line_has_the_same() -> None:
    line = json.loads(as_json().format(record(logging.ERROR, model="m")))
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "gateway", "loading m")
    assert line["model"] == "m"
    assert line["time"]


@pytest.mark.parametrize("format", [Readable(), as_json()])
def test_fields_of_a_library_are_left_out(format: logging.Formatter) -> None:
    assert "_ray_timestamp_ns" not in format.format(record(logging.INFO, _ray_timestamp_ns=7))
