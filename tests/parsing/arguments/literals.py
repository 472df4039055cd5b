"""Reads arguments that are literals."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.formats.format import Literals
from gateway.parsing.arguments.literals import LiteralsReader
from gateway.parsing.buffer import Buffer
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Pieces
from tests.parsing.arguments.pieces import read_all

GEMMA = Literals("$key:$value", "$key:$value", ",", quotes=('<|"|>', '<|"|>'), sorts_keys=True)

FUNCTION_GEMMA = Literals(
    "$key:$value", "$key:$value", ",", ("<escape>", "<escape>"), sorts_keys=True
)

PYTHON = Literals(
    "$key=$value",
    "$key: $value",
    ", ",
    quotes=("'", "'"),
    has_escapes=True,
    constants=("True", "False", "None"),
    has_quoted_keys=True,
)


def read(
    style: Literals, pieces: Iterable[str], *, strict: bool = False, end: str = ""
) -> tuple[str, str]:
    """The JSON that is read, and the text that follows the arguments."""
    buffer, arguments = reader(style, strict=strict)
    return read_all(arguments, buffer, [*pieces, end])


def reader(style: Literals, *, strict: bool = False) -> tuple[Buffer, Pieces]:
    """A buffer, and the arguments in it; they raise if it is closed before their end."""
    buffer = Buffer()
    scanner = ExactScanner(buffer, strict=strict)
    return buffer, scanner.arguments(LiteralsReader(scanner, style).arguments())
