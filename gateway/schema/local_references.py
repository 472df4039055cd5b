"""Rewrites the references in a JSON Schema so that each is a pointer from the schema's root.

Whoever takes a part of a schema, or moves it, needs no base URI then. What a reference may be
instead: relative to an `$id`, the name of an anchor, or a pointer to definitions beside it, which
some generators write although JSON Schema has no such thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urldefrag, urljoin

from gateway.chat.json import Json, Object
from gateway.schema.refs import SUBSCHEMA_MAPS, VALUE_KEYWORDS, pointer_step, resolve

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
_OF_A_BASE = ("$id", "$recursiveAnchor", *_ANCHORS)


def with_local_references(schema: Object, text: str) -> Object:
    """`schema` with a pointer such as `#/$defs/City` for each reference that has a target.

    Returns `schema` itself if it has no other references, and no `$id` that they depend on. `text`
    is its JSON text. A schema that is nested too deep to be read is returned too.
    """
    if not any(f'"{key}"' in text for key in _REFERENCES):
        return schema
    try:
        return _localized(schema)
    except RecursionError:
        return schema


def _localized(schema: Object) -> Object:
    places = [*_places(schema)]
    found = [place for place in places if any(key in place.node for key in _REFERENCES)]
    is_plain = all(_is_plain(place.node, schema) for place in found)
    if not found or (is_plain and not any("$id" in place.node for place in places)):
        return schema
    targets = _Targets(places)
    rewritten = _rewritten(schema, {id(place.node): targets.local(place) for place in found})
    assert isinstance(rewritten, dict)
    return rewritten


@dataclass(frozen=True, slots=True)
class _Place:
    """A subschema, its pointer, the URI that its references are relative to, and what contains it.

    `around` are the places of the schemas that it is in, from the root on.
    """

    node: Object
    pointer: str
    base: str
    around: tuple[_Place, ...]


def _places(
    schema: Json, pointer: str = "#", base: str = "", around: tuple[_Place, ...] = ()
) -> Iterator[_Place]:
    """Every subschema of `schema`."""
    if isinstance(schema, list):
        for i, one in enumerate(schema):
            yield from _places(one, f"{pointer}/{i}", base, around)
    if not isinstance(schema, dict):
        return
    own = schema.get("$id")
    if isinstance(own, str) and not own.startswith("#"):
        base = urldefrag(urljoin(base, own)).url
    place = _Place(schema, pointer, base, around)
    yield place
    around = (*around, place)
    for key, value in schema.items():
        inner = f"{pointer}/{_step(key)}"
        if key in SUBSCHEMA_MAPS and isinstance(value, dict):
            for name, one in value.items():
                yield from _places(one, f"{inner}/{_step(name)}", base, around)
        elif key not in VALUE_KEYWORDS:
            yield from _places(value, inner, base, around)


@dataclass(slots=True)
class _Targets:
    """Where the references among `places` lead."""

    places: list[_Place]
    _resources: dict[str, _Place] = field(default_factory=dict)
    _anchors: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in self.places:
            self._resources.setdefault(place.base, place)
            own = place.node.get("$id")
            names = [place.node.get(key) for key in _ANCHORS]
            if isinstance(own, str) and own.startswith("#"):  # as in draft 7
                names.append(own[1:])
            for name in {name for name in names if isinstance(name, str)}:
                self._anchors.setdefault((place.base, name), []).append(place.pointer)

    def local(self, place: _Place) -> Object:
        """The schema at `place`, with local references in place of those that have a target."""
        result: Object = {}
        for key, value in place.node.items():
            target = self._find(key, value, place) if key in _REFERENCES else None
            result["$ref" if target else key] = target or value
        return result

    def _find(self, key: str, reference: Json, place: _Place) -> str | None:
        if not isinstance(reference, str):
            return None
        document, fragment = urldefrag(urljoin(place.base, reference))
        resource = self._resources.get(document)
        if resource is None:
            return None
        if not fragment:
            return resource.pointer
        if not fragment.startswith("/"):
            found = self._anchors.get((document, fragment), [])
            return found[0] if len(found) == 1 else None
        around = [place, *reversed(place.around)] if reference.startswith("#") else []
        targets = (one for one in (resource, *around) if _is_schema(resolve(fragment, one.node)))
        start = next(targets, None)
        return None if start is None else f"{start.pointer}{fragment}"


def _is_plain(node: Object, root: Object) -> bool:
    reference = node.get("$ref")
    is_pointer = isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))
    return is_pointer and _is_schema(resolve(str(reference), root))


def _is_schema(node: Json) -> bool:
    return isinstance(node, dict | bool)


def _rewritten(schema: Json, changed: dict[int, Object]) -> Json:
    """`schema` with the subschemas that are `changed`, by their ids, and without bases."""
    if isinstance(schema, list):
        return [_rewritten(one, changed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result: Object = {}
    for key, value in changed.get(id(schema), schema).items():
        if key in SUBSCHEMA_MAPS and isinstance(value, dict):
            result[key] = {name: _rewritten(one, changed) for name, one in value.items()}
        elif key in VALUE_KEYWORDS:
            result[key] = value
        elif key not in _OF_A_BASE:
            result[key] = _rewritten(value, changed)
    return result


def _step(name: str) -> str:
    return quote(pointer_step(name), safe="~$")
