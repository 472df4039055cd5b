"""Decides which tools are similar, and which small talk is about the subject of a tool."""

from __future__ import annotations

import re
from functools import cache

from training.data.catalogue import Catalogue
from training.data.offer import words
from training.data.tool import Exchange, Tool

# Words without information about the subject of a tool.
PLAIN_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about add all an and any are as at be by can cancel change check could create current
        delete do don find for from get give has have how i if in into is it its know let like list
        long look make many me much my need new no not of off on one or out please put read remove
        s search see send set should show so some start stop t take tell that the there this to up
        update want what when where which who will with would you your
        """,
    )
)
QUESTION = re.compile(
    r"(?i)\?$|^(what|who|when|where|why|how|which|explain|capital|is|say|spell|name|count)\b"
)


def is_rival(one: Tool, other: Tool, catalogue: Catalogue) -> bool:
    """Whether two tools could serve the same request."""
    shared = subject(one) & subject(other)
    if one.domain == other.domain:
        return one.name == other.name or bool(shared - _subject(one.domain))
    return bool(shared) or is_mixed_up(one, other, catalogue)


def is_mixed_up(one: Tool, other: Tool, catalogue: Catalogue) -> bool:
    """Whether tools of two domains could be confused."""
    if one.domain == other.domain:
        return False
    domains = {one.domain, other.domain}
    return any(domains <= rivals for rivals in catalogue.rivals) or bool(
        _subject(one.name) & _subject(other.name)
    )


def is_about(exchange: Exchange, tool: Tool, catalogue: Catalogue) -> bool:
    """Whether the tool might be useful for this small talk."""
    wording = exchange.wording.text
    is_knowing = tool.name in catalogue.general or tool.domain in catalogue.knowing
    return (is_knowing and QUESTION.search(wording) is not None) or bool(
        _subject(wording) & subject(tool)
    )


def subject(tool: Tool) -> frozenset[str]:
    """The words that describe the subject of the tool."""
    return _subject(tool.name) | _subject(tool.description)


@cache
def _subject(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") for word in words(text) if word not in PLAIN_WORDS)
