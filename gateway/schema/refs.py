"""Resolves the references in a JSON Schema, within that schema alone: nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from gateway.chat.json import Json, Object

# Keywords whose value is an object of subschemas, and keywords whose value is no schema.
SUBSCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
VALUE_KEYWORDS = ("const", "enum", "default", "examples")

_DEFINITIONS = ("$defs", "definitions")
_TO_DEFINITIONS = ("#/$defs/", "#/definitions/")


def resolve(pointer: str, root: Object) -> Json:
    """The target of a JSON pointer such as `#/$defs/City` in `root`; None if it has none."""
    node: Json = root
    for step in unquote(pointer).removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        match node:
            case dict():
                node = node.get(step)
            case list() if step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            case _:
                return None
    return node


def find(reference: str, root: Object) -> Json:
    """The target of any reference within `root`, such as `#anchor`; None if it has none."""
    if reference in ("", "#") or reference.startswith("#/"):
        return resolve(reference, root)
    own = root.get("$id")
    base = own if isinstance(own, str) else ""
    try:
        known = Registry[Any]().with_resource(base, DRAFT202012.create_resource(root))
        found: Json = known.resolver(base).lookup(reference).contents
    except (Unresolvable, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found


def pointer_step(name: str) -> str:
    """A key, escaped as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def standalone(schema: Object, root: Object) -> Object:
    """`schema`, a part of `root`, with the targets of its references."""
    shared: Object = {name: root[name] for name in _DEFINITIONS if name in root}
    result = {**shared, **schema}
    if all(reference.startswith(_TO_DEFINITIONS) for reference in references(result)):
        return result
    base = "#/$defs/tool"
    return {**_rebased(schema, base), "$defs": {"tool": _rebased(root, base)}}


def references(schema: Json) -> Iterator[str]:
    """Every `$ref` in `schema`."""
    if isinstance(schema, list):
        for inner in schema:
            yield from references(inner)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            yield value
        elif key in SUBSCHEMA_MAPS and isinstance(value, dict):
            yield from references(list(value.values()))
        elif key not in VALUE_KEYWORDS:
            yield from references(value)


def _rebased(schema: Json, base: str) -> Any:
    """`schema` with its references to its root leading to `base`, where the root now is."""
    if isinstance(schema, list):
        return [_rebased(inner, base) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str) and value[:2] in ("#", "#/"):
            result[key] = base + value.removeprefix("#")
        elif key in SUBSCHEMA_MAPS and isinstance(value, dict):
            result[key] = {name: _rebased(inner, base) for name, inner in value.items()}
        elif key not in VALUE_KEYWORDS:
            result[key] = _rebased(value, base)
    return result
