"""A message in pieces, so that changes of style leave its values unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

STAYS_UPPER = re.compile(r"I\b|[A-Z][A-Z0-9]|[A-Z]\b")
WORD = re.compile(r"[a-zA-Z]{4,}")
VOWEL_SOUND = re.compile(r"(?i)(?!u[nst]i|eu|one\b|once\b)[aeio]|8|11\b|18\b|un[^i]|up")
ARTICLE = re.compile(r"(?:^|(?<=\s))([aA])\s$")
PLURAL = re.compile(
    r"(?i)(?<![\d.,:/-])1 (?!is\b|was\b|has\b|this\b|plus\b|minus\b|times\b(?! a))"
    r"(?:people|[a-z]+(?:[^s\W]s))\b"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message; a value is an argument, and a copied one is passed as written here."""

    text: str
    is_value: bool = False
    is_copied: bool = False


Utterance = tuple[Piece, ...]


def text(utterance: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in utterance)


def joined(*parts: str | Utterance) -> Utterance:
    pieces: list[Piece] = []
    for part in parts:
        pieces += [Piece(part)] if isinstance(part, str) else part
    return tuple(piece for piece in pieces if piece.text)


def lowered(utterance: Utterance, with_values: bool) -> Utterance:
    return tuple(
        piece if piece.is_copied and not with_values else replace(piece, text=piece.text.lower())
        for piece in utterance
    )


def opened(utterance: Utterance, with_values: bool = False) -> Utterance:
    """Capitalize the first word of a sentence with several words."""
    first, rest = utterance[0], utterance[1:]
    word = first.text.split(" ")[0]
    if first.is_copied and not with_values:
        return utterance
    if not rest or not word.isalpha() or not word.islower():
        return utterance
    return (replace(first, text=first.text[:1].upper() + first.text[1:]), *rest)


def continued(utterance: Utterance) -> Utterance:
    """Lower the first word, for use after a comma."""
    return _first(
        utterance,
        lambda words: words if STAYS_UPPER.match(words) else words[:1].lower() + words[1:],
    )


def unpunctuated(utterance: Utterance, marks: str = ".!?。！？") -> Utterance:
    if not utterance or utterance[-1].is_value:
        return utterance
    last = utterance[-1]
    return joined(utterance[:-1], (replace(last, text=last.text.rstrip(marks)),))


def ends(utterance: Utterance, marks: str) -> bool:
    return text(utterance).rstrip().endswith(tuple(marks))


def with_articles(utterance: Utterance) -> Utterance:
    """Replace "a" by "an" before a value that needs it."""
    pieces = list(utterance)
    for i, (piece, after) in enumerate(pairwise(pieces)):
        if after.is_value and not piece.is_value and VOWEL_SOUND.match(after.text):
            pieces[i] = replace(piece, text=ARTICLE.sub(r"\1n ", piece.text))
    return tuple(pieces)


def is_odd(text: str) -> bool:
    """Whether the text combines a singular with a plural."""
    return PLURAL.search(text) is not None


def mistyped(utterance: Utterance, random: Random) -> Utterance:
    """Add a typing error to a word that is not a value."""
    words = [
        (i, match)
        for i, piece in enumerate(utterance)
        if not piece.is_value
        for match in WORD.finditer(piece.text)
    ]
    if not words:
        return utterance
    i, match = random.choice(words)
    word = random.choice(SLIPS)(match[0], random.randrange(1, len(match[0]) - 1))
    changed = f"{utterance[i].text[: match.start()]}{word}{utterance[i].text[match.end() :]}"
    return (*utterance[:i], Piece(changed), *utterance[i + 1 :])


SLIPS: tuple[Callable[[str, int], str], ...] = (
    lambda word, at: word[:at] + word[at + 1 :],
    lambda word, at: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    lambda word, at: word[:at] + word[at] + word[at:],
)


def _first(utterance: Utterance, change: Callable[[str], str]) -> Utterance:
    if not utterance or utterance[0].is_value:
        return utterance
    return (replace(utterance[0], text=change(utterance[0].text)), *utterance[1:])
