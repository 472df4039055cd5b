"""How people speak: domains that are named for a language are asked for in it."""

from __future__ import annotations

import re
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


# How what is lacking is asked for: a model that chooses the likeliest token would call a tool whose
# token is likelier than each of many first words, though not than all of them.
SORRY: Mapping[str, str] = {ENGLISH: "Sorry, ", "chinese": "抱歉，"}
# What may stand small behind it, as no name does.
ASKING = frozenset(
    (
        *("A", "An", "And", "As", "At", "Between", "By", "Can", "Could", "For", "Forward", "From"),
        *("How", "In", "Instead", "Into", "May", "Near", "Of", "On", "Or", "Over", "Please", "Put"),
        *("Should", "The", "Three", "To", "Until", "Was", "What", "When", "Where", "Which", "Who"),
        *("Whom", "Whose", "With"),
    )
)


def humble(question: str, language: str) -> str:
    """`question` behind the one first word that a request for more always has."""
    sorry = SORRY.get(language, "")
    if question.startswith(sorry):
        return question
    first, *_ = re.split(r"\W", question)
    return sorry + (first.lower() if first in ASKING else first) + question[len(first) :]


def language(domain: str) -> str:
    """The language in which the tools of `domain` are asked for."""
    return domain if domain in BETWEEN else ENGLISH


def series(words: Sequence[str], language: str) -> str:
    """As people say several things: a, b and c."""
    comma, last = BETWEEN[language]
    return last.join(filter(None, [comma.join(words[:-1]), *words[-1:]]))
