"""What a chat shows. Without a terminal there are no colours and no control sequences."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.segment import Segment, Segments
from rich.status import Status
from rich.style import Style

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Reasoning, Text

MAX_RESULT = 300  # characters of a result that are shown
# A model must not control the terminal: each control character is shown as its Unicode picture.
PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


class Screen:
    """Shows events as they come; with `answer_only`, text on stdout and calls on stderr."""

    def __init__(self, *, answer_only: bool = False):
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            _replace_what_has_no_encoding(stream)
        self._answer_only = answer_only
        self._out = Console()
        self._err = Console(stderr=True)
        self._remarks = self._err if answer_only else self._out
        self._is_in_line = False
        self._kind: type | None = None  # of the last event in this answer

    @contextmanager
    def waiting(self, text: str) -> Iterator[Status | None]:
        """Shows a spinner and `text` on stderr, if that is a terminal."""
        if not self._err.is_terminal:
            yield None
            return
        with self._err.status(text) as status:
            yield status

    def event(self, event: Event) -> None:
        """Shows the next piece of an answer."""
        match event:
            case Text(text):
                self._begin(Text)
                self._write(self._out, text)
            case Reasoning(text) if not self._answer_only:
                self._begin(Reasoning)
                self._write(self._out, text, "dim")
            case CallStart(name):
                self._begin(CallStart)
                self._write(self._remarks, f"{name}(", "cyan")
            case CallArguments(text):
                self._write(self._remarks, text, "cyan")
            case CallEnd():
                self._write(self._remarks, ")\n", "cyan")

    def result(self, text: str) -> None:
        """Shows the result of a call, shortened to one line."""
        short = " ".join(text.split())
        short = short if len(short) <= MAX_RESULT else f"{short[:MAX_RESULT]}…"
        self.remark(f"→ {short}")

    def end(self) -> None:
        """Ends the last line of an answer."""
        self._write(self._out, "\n" * self._is_in_line)
        self._kind = None

    def remark(self, text: str, style: str = "dim") -> None:
        """Shows a line that is not part of the answer."""
        self._write(self._remarks, f"{text}\n", style)

    def error(self, message: str) -> None:
        """Shows an error after which the chat goes on."""
        self.remark(f"error: {message}", "red")

    def parts(self, parts: Iterable[Mapping[str, str]]) -> None:
        """Shows a text in parts; those that are `special` tokens are in ⟦brackets⟧."""
        for part in parts:
            if special := part.get("special"):
                self._write(self._out, f"⟦{special}⟧", "cyan")
            else:
                self._write(self._out, part["text"])
        self.end()

    def _begin(self, kind: type) -> None:
        """Puts an empty line between thoughts and text, and calls on lines of their own."""
        if self._kind not in (None, kind):
            self._write(self._out, "\n" * self._is_in_line)
            self._write(self._out, "\n" * (self._kind is Reasoning))
        self._kind = kind

    def _write(self, console: Console, text: str, style: str = "") -> None:
        text = text.translate(PICTURES) if console.is_terminal else text
        # Segments are written as they are: rich would wrap text and drop spaces at line ends.
        console.print(Segments([Segment(text, Style.parse(style))]), soft_wrap=True, end="")
        if text and console is self._out:
            self._is_in_line = not text.endswith("\n")


def _replace_what_has_no_encoding(stream: TextIO) -> None:
    """Makes `?` of what the terminal can't show, and U+FFFD of bytes that are no text."""
    if reconfigure := getattr(stream, "reconfigure", None):
        reconfigure(errors="replace")
