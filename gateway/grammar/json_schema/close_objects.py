"""A JSON Schema as the user wrote it -> the one that the grammar holds a model to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.chat.json import Json, Object, json_text
from gateway.errors import BadRequest
from gateway.grammar.json_schema.disjoint import are_apart
from gateway.grammar.json_schema.relax import Relaxed, Unenforced, relax
from gateway.lru import LRUCache
from gateway.schema.refs import NAMED, VALUES, resolve

MAX_CACHED = 16 * 2**20  # characters of schemas

_ELSEWHERE = ("additionalProperties", "patternProperties")

# What says more of an object than its properties one by one.
_CROSS_PROPERTY = (
    *("anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "dependencies"),
    *("minProperties", "maxProperties", "propertyNames", "patternProperties"),
)


@dataclass(frozen=True, slots=True)
class Enforceable:
    """What a model is held to of a schema, and where it is not."""

    schema: Object
    unenforced: tuple[Unenforced, ...]


_cache: LRUCache[Enforceable] = LRUCache(MAX_CACHED)


def enforceable(schema: Object, text: str = "") -> Enforceable:
    """The part of `schema` that llguidance can enforce, with closed objects.

    `text` is the JSON text of `schema`, if that is known. An object that lists its properties
    takes no others, unless it says that it does: a model that may invent properties does. Except
    for that and for the keywords left out, the result admits what `schema` admits. Raises
    BadRequest if `schema` is nested too deep.
    """
    try:
        key = text or json_text(schema)
        result = _cache.get(key)
        if result is None:
            result = _cache[key] = _enforceable(relax(schema))
    except RecursionError as error:
        raise BadRequest("a JSON Schema is nested too deep to be read") from error
    return result


def _enforceable(relaxed: Relaxed) -> Enforceable:
    closing = _Closing(relaxed.schema)
    closed, known = closing.object(relaxed.schema, False, "#"), 0
    while len(closing.joined) > known:  # one more that must stay open may be met late
        known = len(closing.joined)
        closing.unenforced.clear()
        closed = closing.object(relaxed.schema, False, "#")
    places = [_origin(place, relaxed.origins) for place in closing.unenforced]
    return Enforceable(closed, tuple(dict.fromkeys((*relaxed.unenforced, *places))))


def _origin(place: Unenforced, origins: dict[str, str]) -> Unenforced:
    """`place` as the user knows it: definitions have been renamed."""
    steps = place.pointer.split("/")
    if steps[:2] != ["#", "$defs"]:
        return place
    return replace(place, pointer="/".join([origins[steps[2]], *steps[3:]]))


def cross_property_keywords(parameters: Object) -> list[Unenforced]:
    """Where an object says more than can be held when its properties are written one by one."""
    return [Unenforced("#", key) for key in _CROSS_PROPERTY if key in parameters]


class _Closing:
    """`joined` are the objects that several schemas speak of, so that none may close them."""

    def __init__(self, root: Object):
        self.joined: set[int] = set()
        self.unenforced: list[Unenforced] = []
        self._root = root

    def object(self, schema: Object, joined: bool, at: str) -> Object:
        own = any(key in schema for key in ("properties", "required", *_ELSEWHERE))
        joined = joined or id(schema) in self.joined or own + _branches(schema) > 1
        if joined and "$ref" in schema:
            self.joined.add(id(resolve(str(schema["$ref"]), self._root)))
        result: Object = {}
        for key, value in schema.items():
            where = f"{at}/{key}"
            if key in VALUES:
                result[key] = value
            elif key in NAMED and isinstance(value, dict):
                below = joined and key == "properties"
                result[key] = {
                    name: self._any(sub, below, f"{where}/{name}") for name, sub in value.items()
                }
            elif key == "oneOf" and isinstance(value, list):
                self._one_of(value, result, joined, at)
            else:
                result[key] = self._any(value, joined, where)
        if not joined and _lists_all(schema):
            result["additionalProperties"] = False
        self._count(result, at)
        return result

    def _any(self, schema: Json, joined: bool, at: str) -> Json:
        if isinstance(schema, list):
            return [self._any(item, joined, f"{at}/{i}") for i, item in enumerate(schema)]
        return self.object(schema, joined, at) if isinstance(schema, dict) else schema

    def _one_of(self, branches: list[Json], result: Object, joined: bool, at: str) -> None:
        """Say it as `anyOf`, which llguidance knows."""
        either = self._any(branches, joined, f"{at}/oneOf")
        if "anyOf" in result:
            every = result.get("allOf")
            both = {"anyOf": either}
            result["allOf"] = [*every, both] if isinstance(every, list) else [both]
        else:
            result["anyOf"] = either
        closed = (lambda _: False) if joined else self._is_closed
        if not are_apart(branches, self._root, closed):
            self.unenforced.append(Unenforced(at, "oneOf"))

    def _is_closed(self, schema: Object) -> bool:
        return id(schema) not in self.joined and not _branches(schema) and _lists_all(schema)

    def _count(self, result: Object, at: str) -> None:
        """Drop bounds on the number of properties that llguidance can't count."""
        bounds = [key for key in ("minProperties", "maxProperties") if key in result]
        if not bounds or _branches(result):
            return
        properties, required = result.get("properties"), result.get("required")
        listed = properties if isinstance(properties, dict) else {}
        needed = set(map(str, required)) if isinstance(required, list) else set()
        optional = [name for name in listed if name not in needed]
        if not optional:
            return
        least, most = (result.get(key) for key in ("minProperties", "maxProperties"))
        least = max(0, (least if isinstance(least, int) else 0) - len(needed))
        room = most - len(needed) if isinstance(most, int) else None
        is_closed = result.get("additionalProperties") is False
        is_closed = is_closed and "patternProperties" not in result
        if is_closed and least <= 1 and room in (None, 1):
            return
        for key in bounds:
            del result[key]
            says_nothing = (
                not least
                if key == "minProperties"
                else (is_closed and room is not None and room >= len(optional))
            )
            if not says_nothing:
                self.unenforced.append(Unenforced(at, key))


def _branches(schema: Object) -> int:
    every = schema.get("allOf")
    several = len(every) if isinstance(every, list) else 0
    return several + sum(key in schema for key in ("anyOf", "oneOf", "$ref"))


def _lists_all(schema: Object) -> bool:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or any(key in schema for key in _ELSEWHERE):
        return False
    return not isinstance(required, list) or all(key in properties for key in required)
