"""What a tool returns: a template of it, filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from gateway.chat.json import Json, Object
from training.data.language import series
from training.data.phrase import SLOT, Phrase
from training.data.request import Given, said
from training.data.tool import Path
from training.data.utterance import opened, text
from training.data.values import Choice, Values, listed, span


@dataclass(frozen=True, slots=True)
class Outline:
    """What a template holds: its leaves, which of them vary, and the slots in its texts."""

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
    """What a leaf is drawn from, if it isn't the same every time."""
    if isinstance(template, str):
        return span(template)
    if isinstance(template, dict) and set(template) == {"choose"}:
        chosen = template["choose"]
        return listed(chosen) if isinstance(chosen, list) else span(str(chosen))
    return None


def _leaves(template: Json, above: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every way that an answer may name, and what is there."""
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
    """A result; what speaks of an argument that isn't given is left out."""
    filled = _filled(template, given, random)
    assert isinstance(filled, dict)
    return filled


def told(answer: Phrase, given: Given, result: Object, language: str) -> str | None:
    """The answer, unless it speaks of something that there isn't."""
    leaves = dict(_leaves(result))
    news = {("result", *path): Choice(_said(leaf, language), leaf) for path, leaf in leaves.items()}
    if not answer.paths <= given.keys() | news.keys():
        return None
    return text(opened(said(answer, [{**given, **news}], language), with_values=True))


def spoken_leaf(result: Object, path: Path, language: str) -> str:
    """How what stands at `path` is said."""
    return _said(dict(_leaves(result))[path], language)


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


def _said(value: Json, language: str) -> str:
    if isinstance(value, list):
        return series([_said(one, language) for one in value], language)
    return value if isinstance(value, str) else str(value)
