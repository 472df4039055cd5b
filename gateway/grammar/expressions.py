"""Parts of a Lark rule, combined."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.grammar.bare_string import quote

EMPTY = '""'


def sequence(*parts: str) -> str:
    """`parts` one after the other; empty ones are left out."""
    return " ".join(filter(None, parts))


def choice(ways: Iterable[str]) -> str:
    """One of `ways`; an empty one matches the empty text."""
    return f"({' | '.join(dict.fromkeys(way or EMPTY for way in ways))})"


def times(part: str, least: int, most: int | None) -> str:
    """`part`, from `least` to `most` times; None means any number."""
    if most is None:
        return f"{part}{{{least},}}" if least else f"{part}*"
    return f"{part}{{{least},{most}}}" if most else ""


def excluding(terminal: str, texts: Iterable[str]) -> str:
    """What `terminal` matches, without `texts`."""
    excluded = " | ".join(map(quote, texts))
    return f"({terminal}) & ~({excluded})" if excluded else terminal
