"""Languages: a domain with the name of a language has requests in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ENGLISH = "english"
# Separators in an enumeration, and before its last item.
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


# The first word of a question for a missing value. With many first words, a greedy model would call
# a tool: that token is likelier than each of them, though not than all of them together.
SORRY: Mapping[str, str] = {ENGLISH: "Sorry, ", "chinese": "抱歉，"}
# Words that are lowered after it, since they are not names.
ASKING = frozenset(
    (
        *("A", "An", "And", "As", "At", "Between", "By", "Can", "Could", "For", "Forward", "From"),
        *("How", "In", "Instead", "Into", "May", "Near", "Of", "On", "Or", "Over", "Please", "Put"),
        *("Should", "The", "Three", "To", "Until", "Was", "What", "When", "Where", "Which", "Who"),
        *("Whom", "Whose", "With"),
    )
)


def humble(question: str, language: str) -> str:
    """`question` with the first word that every question for a missing value has."""
    sorry = SORRY.get(language, "")
    if question.startswith(sorry):
        return question
    first, *_ = re.split(r"\W", question)
    return sorry + (first.lower() if first in ASKING else first) + question[len(first) :]


def language(domain: str) -> str:
    """The language of requests for the tools of `domain`."""
    return domain if domain in BETWEEN else ENGLISH


def series(words: Sequence[str], language: str) -> str:
    """An enumeration: a, b and c."""
    comma, last = BETWEEN[language]
    return last.join(filter(None, [comma.join(words[:-1]), *words[-1:]]))
