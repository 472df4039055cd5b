"""The values of an argument, and their wording."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from gateway.chat.json import Json
from training.data.coining import coined

RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?")
WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
SHARE_OF_WORDS = 0.2
SHARE_COINED = 0.5
ARTICLE = re.compile(r"(?:an?|the) (?=[A-Z]|[a-z]+(?: [a-z]+)?$)")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value and its wording; if copied, the value is equal to the wording."""

    wording: str
    value: Json
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of values, each with its wordings; with `words`, similar values can be invented."""

    ways: tuple[tuple[Choice, ...], ...]
    words: tuple[str, ...] = ()

    def draw(self, random: Random, aloud: bool = True) -> Choice:
        choice = random.choice(random.choice(self.ways))
        if not choice.copied or not self.words or random.random() > SHARE_COINED:
            return choice
        text = coined(choice.wording, self.words, random)
        return replace(choice, wording=text, value=text)


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from `first` to `last`."""

    first: float
    last: float
    step: float = 1

    def draw(self, random: Random, aloud: bool = True) -> Choice:
        steps = random.randint(0, round((self.last - self.first) / self.step))
        value = round(self.first + steps * self.step, 6)
        if not value.is_integer():
            return Choice(str(value), value)
        whole = int(value)
        if aloud and 1 < whole < len(WORDS) and random.random() < SHARE_OF_WORDS:
            return Choice(WORDS[whole], whole)
        return Choice(str(whole), whole)


Values = Listed | Span


def span(text: str) -> Span | None:
    """Parses a range: `a..b` or `a..b/step`."""
    if not (found := RANGE.fullmatch(text)):
        return None
    first, last, step = found.groups()
    return Span(float(first), float(last), float(step or 1))


def listed(values: Sequence[Json]) -> Listed:
    """A list of values, or of pairs of wording and value."""
    return Listed(tuple((_choice(value),) for value in values))


def spoken(enum: Sequence[Json], wordings: Mapping[Json, Sequence[str]]) -> Listed:
    """Enum values with their wordings."""
    return Listed(
        tuple(
            tuple(Choice(way, value) for way in wordings.get(value, [_text(value)]))
            for value in enum
        )
    )


def _choice(value: Json) -> Choice:
    if isinstance(value, list):
        return Choice(_text(value[0]), value[1])
    return Choice(_text(value), value, copied=isinstance(value, str))


def without_article(value: Json) -> Json:
    """The value without its article: "desk lamp" for "a desk lamp"."""
    if isinstance(value, str) and (found := ARTICLE.match(value)):
        return [value, value[found.end() :]]
    return value


def _text(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower()
