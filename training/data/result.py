"""Fills the template of a tool's result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from gateway.chat.json import Json, Object
from training.data.language import series
from training.data.phrase import SLOT, Phrase
from training.data.request import Given, fill_slots
from training.data.tool import Path
from training.data.utterance import opened, text
from training.data.values import Choice, Values, listed, span


@dataclass(frozen=True, slots=True)
class Outline:
    """The leaves of a template, those that vary, and the slots in its strings."""

    leaves: Mapping[Path, Json]
    varied: frozenset[Path]
    slots: frozenset[Path]


def outline(template: Object) -> Outline:
    leaves = dict(_leaves(template))
    varied = frozenset(path for path, leaf in leaves.items() if choices(leaf))
    texts = [leaf for leaf in leaves.values() if isinstance(leaf, str)]
    slots = frozenset(tuple(slot.split(".")) for text in texts for slot in SLOT.findall(text))
    return Outline(leaves, varied, slots)


def choices(template: Json) -> Values | None:
    """The values of a leaf, or None if it is constant."""
    if isinstance(template, str):
        return span(template)
    if isinstance(template, dict) and set(template) == {"choose"}:
        chosen = template["choose"]
        return listed(chosen) if isinstance(chosen, list) else span(str(chosen))
    return None


def _leaves(template: Json, above: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yields the path and the value of every leaf."""
    if above:
        yield above, template
    if choices(template):
        return
    if isinstance(template, dict):
        for key, value in template.items():
            yield from _leaves(value, (*above, key))
    elif isinstance(template, list):
        for i, value in enumerate(template):
            yield from _leaves(value, (*above, str(i)))


def fill(template: Object, given: Given, random: Random) -> Object:
    """A result; entries that refer to a missing argument are omitted."""
    filled = _filled(template, given, random)
    assert isinstance(filled, dict)
    return filled


def answer_text(answer: Phrase, given: Given, result: Object, language: str) -> str | None:
    """The answer with its slots filled, or None if a value is missing."""
    leaves = dict(_leaves(result))
    news = {
        ("result", *path): Choice(_wording(leaf, language), leaf) for path, leaf in leaves.items()
    }
    if not answer.paths <= given.keys() | news.keys():
        return None
    return text(opened(fill_slots(answer, [{**given, **news}], language), with_values=True))


def spoken_leaf(result: Object, path: Path, language: str) -> str:
    """The words for the value at `path`."""
    return _wording(dict(_leaves(result))[path], language)


def _filled(template: Json, given: Given, random: Random) -> Json:
    if values := choices(template):
        return values.draw(random, aloud=False).value
    if isinstance(template, dict):
        there = {key: value for key, value in template.items() if _is_told(value, given)}
        return {key: _filled(value, given, random) for key, value in there.items()}
    if isinstance(template, list):
        return [_filled(value, given, random) for value in template if _is_told(value, given)]
    return _text(template, given) if isinstance(template, str) else template


def _is_told(template: Json, given: Given) -> bool:
    return not isinstance(template, str) or all(
        tuple(slot.split(".")) in given for slot in SLOT.findall(template)
    )


def _text(template: str, given: Given) -> Json:
    if whole := SLOT.fullmatch(template):
        return given[tuple(whole[1].split("."))].value
    return SLOT.sub(lambda slot: str(given[tuple(slot[1].split("."))].value), template)


def _wording(value: Json, language: str) -> str:
    if isinstance(value, list):
        return series([_wording(one, language) for one in value], language)
    return value if isinstance(value, str) else str(value)
