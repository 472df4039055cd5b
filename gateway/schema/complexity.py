"""Counts the parts of JSON Schemas that cost time, before anything reads their meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

from gateway.chat.json import Json, Object
from gateway.lru import LRUCache
from gateway.schema.refs import pointer_step

# What is counted: JSON values of any kind; properties that are listed; alternatives and conditions;
# values of `enum`; regular expressions; references.
Kind: TypeAlias = Literal[
    "values", "properties", "branches", "enum_values", "patterns", "references"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_KNOWN = 4 * 2**20  # characters of schemas whose counts are remembered

# In draft 3, `type`, `disallow` and `extends` may list schemas.
_BRANCHES = ("anyOf", "oneOf", "allOf", "prefixItems", "items", "type", "disallow", "extends")
_NAMED_BRANCHES = ("dependentSchemas", "dependentRequired", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

_known: LRUCache[Counter[Kind]] = LRUCache(MAX_KNOWN, overhead=512)


class Excess(NamedTuple):
    """The `pointer` of the subschema with which there are more than `most` parts of a `kind`."""

    pointer: str
    kind: Kind
    most: int


class Complexity:
    """Counts the parts of some schemas; `most` is how many of each kind all may have together."""

    def __init__(self, most: Mapping[Kind, int]):
        self._most = most
        self._counts: Counter[Kind] = Counter()

    def add(self, schema: Object, text: str) -> Excess | None:
        """Counts the parts of `schema`, in time linear in its size; stops where there are too many.

        `text` is its JSON text. Every object is taken for a schema: what is none, such as a default
        value, is counted alike.
        """
        own = _known.get(text)
        if own is None or any(self._exceeded(kind, count) for kind, count in own.items()):
            own = Counter()
            if excess := self._count(schema, own):
                return excess
            _known[text] = own
        self._counts.update(own)
        return None

    def _count(self, schema: Object, own: Counter[Kind]) -> Excess | None:
        waiting = [_Place(schema, None, "")]
        while waiting:
            place = waiting.pop()
            for kind, count in _parts(place.node):
                own[kind] += count
                if self._exceeded(kind, own[kind]):
                    return Excess(_pointer(place), kind, self._most[kind])
            waiting += _inner(place)
        return None

    def _exceeded(self, kind: Kind, count: int) -> bool:
        return self._counts[kind] + count > self._most[kind]


class _Place(NamedTuple):
    node: Object | list[Json]
    outer: _Place | None
    step: str | int


def _inner(place: _Place) -> Iterator[_Place]:
    node = place.node
    for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(inner, dict | list):
            yield _Place(inner, place, step)


def _parts(node: Object | list[Json]) -> Iterator[tuple[Kind, int]]:
    """How many parts `node` itself has, of each kind."""
    yield "values", len(node)
    if isinstance(node, list):
        return
    for key, value in node.items():
        match key, value:
            case "properties", dict():
                yield "properties", len(value)
            case "enum", list():
                yield "enum_values", len(value)
            case "pattern", str():
                yield "patterns", 1
            case "patternProperties", dict():
                yield "patterns", len(value)
            case _, str() if key in _REFERENCES:
                yield "references", 1
            case _, list() if key in _BRANCHES:
                yield "branches", sum(isinstance(branch, dict) for branch in value)
            case _, dict() if key in _NAMED_BRANCHES:
                yield "branches", len(value)


def _pointer(place: _Place | None) -> str:
    """The JSON pointer of `place`, as a URI fragment."""
    steps: list[str] = []
    while place and place.outer:
        steps.append(pointer_step(str(place.step)))
        place = place.outer
    return "/".join(["#", *reversed(steps)])
