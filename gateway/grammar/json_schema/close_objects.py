"""The part of a JSON Schema that llguidance can enforce, with objects closed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.chat.json import Json, Object, json_text
from gateway.errors import BadRequest
from gateway.grammar.json_schema.disjoint import are_disjoint
from gateway.grammar.json_schema.relax import Relaxed, Unenforced, relax
from gateway.lru import LRUCache
from gateway.schema.access import as_list, properties, required
from gateway.schema.refs import SUBSCHEMA_MAPS, VALUE_KEYWORDS, resolve

MAX_CACHED = 16 * 2**20  # characters of schemas

_OTHER_PROPERTIES = ("additionalProperties", "patternProperties")

# Keywords that constrain an object's properties together, not one by one.
_CROSS_PROPERTY = ("minProperties", "maxProperties", "patternProperties")


@dataclass(frozen=True, slots=True)
class Enforceable:
    """The `schema` that a grammar can enforce, and the keywords that it lacks."""

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
            result = _cache[key] = _closed(relax(schema))
    except RecursionError as error:
        raise BadRequest("a JSON Schema is nested too deep to be read") from error
    return result


def cross_property_keywords(parameters: Object) -> list[Unenforced]:
    """The keywords that can't be enforced if each property is written by itself."""
    return [Unenforced("#", key) for key in _CROSS_PROPERTY if key in parameters]


def _closed(relaxed: Relaxed) -> Enforceable:
    closing = _Closing(relaxed.schema)
    closed, known = closing.object(relaxed.schema, False, "#"), 0
    while len(closing.shared) > known:  # a reference may come after the object that it shares
        known = len(closing.shared)
        closing.unenforced.clear()
        closed = closing.object(relaxed.schema, False, "#")
    more = [_in_original(keyword, relaxed.origins) for keyword in closing.unenforced]
    return Enforceable(closed, tuple(dict.fromkeys((*relaxed.unenforced, *more))))


def _in_original(keyword: Unenforced, origins: dict[str, str]) -> Unenforced:
    """`keyword` with its pointer into the client's schema, where definitions have other names."""
    steps = keyword.pointer.split("/")
    if steps[:2] != ["#", "$defs"]:
        return keyword
    return replace(keyword, pointer="/".join([origins[steps[2]], *steps[3:]]))


class _Closing:
    """Closes objects; `shared` are the ids of those that several schemas constrain.

    None of these may close such an object: each knows only some of its properties.
    """

    def __init__(self, root: Object):
        self.shared: set[int] = set()
        self.unenforced: list[Unenforced] = []
        self._root = root

    def object(self, schema: Object, shared: bool, at: str) -> Object:
        own = any(key in schema for key in ("properties", "required", *_OTHER_PROPERTIES))
        shared = shared or id(schema) in self.shared or own + _branches(schema) > 1
        if shared and "$ref" in schema:
            self.shared.add(id(resolve(str(schema["$ref"]), self._root)))
        result: Object = {}
        for key, value in schema.items():
            where = f"{at}/{key}"
            if key in VALUE_KEYWORDS:
                result[key] = value
            elif key in SUBSCHEMA_MAPS and isinstance(value, dict):
                below = shared and key == "properties"
                result[key] = {
                    name: self._any(sub, below, f"{where}/{name}") for name, sub in value.items()
                }
            elif key == "oneOf" and isinstance(value, list):
                self._one_of(value, result, shared, at)
            else:
                result[key] = self._any(value, shared, where)
        if not shared and _lists_all(schema):
            result["additionalProperties"] = False
        self._limit_properties(result, at)
        return result

    def _any(self, schema: Json, shared: bool, at: str) -> Json:
        if isinstance(schema, list):
            return [self._any(item, shared, f"{at}/{i}") for i, item in enumerate(schema)]
        return self.object(schema, shared, at) if isinstance(schema, dict) else schema

    def _one_of(self, branches: list[Json], result: Object, shared: bool, at: str) -> None:
        """Write `oneOf` as `anyOf`, which llguidance supports."""
        any_of = self._any(branches, shared, f"{at}/oneOf")
        if "anyOf" in result:
            result["allOf"] = [*as_list(result.get("allOf")), {"anyOf": any_of}]
        else:
            result["anyOf"] = any_of
        is_closed = (lambda _: False) if shared else self._is_closed
        if not are_disjoint(branches, self._root, is_closed):
            self.unenforced.append(Unenforced(at, "oneOf"))

    def _is_closed(self, schema: Object) -> bool:
        return id(schema) not in self.shared and not _branches(schema) and _lists_all(schema)

    def _limit_properties(self, result: Object, at: str) -> None:
        """Drop `minProperties` and `maxProperties` where llguidance can't count properties."""
        bounds = [key for key in ("minProperties", "maxProperties") if key in result]
        if not bounds or _branches(result):
            return
        needed = {*required(result)}
        optional = [name for name in properties(result) if name not in needed]
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
            has_no_effect = (
                not least
                if key == "minProperties"
                else (is_closed and room is not None and room >= len(optional))
            )
            if not has_no_effect:
                self.unenforced.append(Unenforced(at, key))


def _branches(schema: Object) -> int:
    combined = len(as_list(schema.get("allOf")))
    return combined + sum(key in schema for key in ("anyOf", "oneOf", "$ref"))


def _lists_all(schema: Object) -> bool:
    """Whether `schema` lists every property that it constrains."""
    listed = schema.get("properties")
    if not isinstance(listed, dict) or any(key in schema for key in _OTHER_PROPERTIES):
        return False
    return all(key in listed for key in required(schema))
