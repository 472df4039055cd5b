"""How people speak: domains that are named for a language are asked for in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ENGLISH = "english"
# What stands between several things, and before the last of them.
BETWEEN: Mapping[str, tuple[str, str]] = {
    ENGLISH: (", ", " and "),
    "chinese": ("、", "和"),
    "dutch": (", ", " en "),
    "french": (", ", " et "),
    "german": (", ", " und "),
    "italian": (", ", " e "),
    "japanese": ("、", "と"),
    "polish": (", ", " i "),
    "portuguese": (", ", " e "),
    "russian": (", ", " и "),
    "spanish": (", ", " y "),
    "turkish": (", ", " ve "),
}


def language(domain: str) -> str:
    """The language in which the tools of `domain` are asked for."""
    return domain if domain in BETWEEN else ENGLISH


def series(words: Sequence[str], language: str) -> str:
    """As people say several things: a, b and c."""
    comma, last = BETWEEN[language]
    return last.join(filter(None, [comma.join(words[:-1]), *words[-1:]]))
