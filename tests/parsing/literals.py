"""Arguments as literals of a family's own."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.formats.format import Literals
from gateway.parsing.literals import LiteralsReader

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
    """The JSON that is read, and the text that is left when the arguments are done."""
    reader = LiteralsReader(style, strict=strict)
    read, left = "", ""
    for piece in [*pieces, end]:
        left += piece
        if not reader.done:
            json_text, passed = reader.feed(left)
            read, left = read + json_text, left[passed:]
    assert reader.done
    return read, left
