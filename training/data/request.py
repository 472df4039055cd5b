"""A user request with its values filled in, and the calls that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from gateway.chat.json import Json, Object
from training.data.language import ENGLISH, series
from training.data.phrase import Phrase, Slot
from training.data.tool import Ask, Parameter, Path, Tool
from training.data.utterance import Piece, Utterance, is_odd, lowered, text, with_articles
from training.data.values import Choice, Listed

TRIES = 20

Given = Mapping[Path, Choice]


@dataclass(frozen=True, slots=True)
class Request:
    """The text of a request, and the tool and arguments of each call."""

    wording: Utterance
    calls: tuple[tuple[Tool, Given], ...]

    @property
    def language(self) -> str:
        return self.calls[0][0].language

    @property
    def text(self) -> str:
        return text(self.wording)

    def lowered(self, with_values: bool) -> Request:
        wording = lowered(self.wording, with_values)
        if not with_values:
            return replace(self, wording=wording)
        calls = [(tool, {path: _lowered(c) for path, c in g.items()}) for tool, g in self.calls]
        return Request(wording, tuple(calls))


def request(ask: Ask, tool: Tool, random: Random) -> Request:
    """`ask` with random values; two calls if it has slots for two."""
    for _ in range(TRIES):
        found = _request(ask, tool, random)
        if not is_odd(found.text):
            break
    return found


def fill_slots(phrase: Phrase, given: Sequence[Given], language: str) -> Utterance:
    """`phrase` with its slots filled."""
    pieces = tuple(_piece(part, given) for part in phrase.parts)
    return with_articles(pieces) if language == ENGLISH else pieces


def random_values(slots: Sequence[Slot], tool: Tool, random: Random) -> dict[Slot, Choice]:
    """A random value for each slot, all different."""
    found: dict[Slot, Choice] = {}
    for slot in dict.fromkeys(slots):
        taken = list(found.values())
        for _ in range(TRIES):
            found[slot] = draw(tool.leaves[slot.path], tool.language, random)
            if not any(_is_alike(found[slot], other) for other in taken):
                break
    return found


def draw(leaf: Parameter, language: str, random: Random) -> Choice:
    if leaf.items is not None and leaf.size is not None:
        count = leaf.size.draw(random, aloud=False).value
        return _several(leaf.items, count, language, random)
    if leaf.ways:
        return _whole(leaf, language, random)
    assert leaf.values is not None, leaf.name
    return leaf.values.draw(random, aloud=language == ENGLISH)


def _request(ask: Ask, tool: Tool, random: Random) -> Request:
    values = random_values(ask.phrase.slots, tool, random)
    turns: list[int | None] = [*sorted({slot.turn for slot in values if slot.turn})]
    implied = {path: _implied(ask.implies(path), tool.leaves[path]) for path in ask.implied_paths}
    given = [
        {slot.path: choice for slot, choice in values.items() if slot.turn in (turn, None)}
        | implied
        for turn in turns or [None]
    ]
    return Request(
        fill_slots(ask.phrase, given, tool.language), tuple((tool, one) for one in given)
    )


def _piece(part: str | Slot, given: Sequence[Given]) -> Piece:
    if isinstance(part, str):
        return Piece(part)
    choice = given[(part.turn or 1) - 1][part.path]
    return Piece(choice.wording, is_value=True, is_copied=choice.copied)


def _implied(value: Json, leaf: Parameter) -> Choice:
    """The choice with an implied value, for use in the answer."""
    ways = leaf.values.ways if isinstance(leaf.values, Listed) else ()
    known = (way[0].wording for way in ways if way[0].value == value)
    return Choice(next(known, str(value)), value)


def _is_alike(one: Choice, other: Choice) -> bool:
    """Whether two choices have the same value, or the same words."""
    if isinstance(one.value, bool) or isinstance(other.value, bool):
        return False
    return one.value == other.value or one.wording.lower() == other.wording.lower()


def _several(items: Parameter, count: Json, language: str, random: Random) -> Choice:
    assert isinstance(count, int)
    chosen: dict[str, Choice] = {}
    for _ in range(TRIES):
        if len(chosen) < count:
            one = draw(items, language, random)
            chosen.setdefault(one.wording.lower(), one)
    choices = list(chosen.values())
    is_copied = all(choice.copied for choice in choices)
    return Choice(
        series([c.wording for c in choices], language), [c.value for c in choices], is_copied
    )


def _whole(leaf: Parameter, language: str, random: Random) -> Choice:
    """An object in one of its `ways`, with only the properties that it names."""
    way = random.choice(leaf.ways)
    given: Given = {(one.name,): draw(one, language, random) for one in leaf.properties}
    passed = {path[-1]: choice for path, choice in given.items() if path in way.paths}
    value: Object = {name: choice.value for name, choice in passed.items()}
    is_copied = all(one.copied or not isinstance(one.value, str) for one in passed.values())
    return Choice(text(fill_slots(way, [given], language)), value, is_copied)


def _lowered(choice: Choice) -> Choice:
    if not choice.copied:
        return replace(choice, wording=choice.wording.lower())
    return Choice(choice.wording.lower(), _small(choice.value), True)


def _small(value: Json) -> Json:
    match value:
        case str():
            return value.lower()
        case list():
            return [*map(_small, value)]
        case dict():
            return {key: _small(inner) for key, inner in value.items()}
    return value
