"""What the references in a schema lead to. Nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from gateway.chat.json import Json, Object

NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
VALUES = ("const", "enum", "default", "examples")  # what holds values, not schemas

_DEFINED = ("$defs", "definitions")
_OWN = ("#/$defs/", "#/definitions/")


def resolve(pointer: str, root: Object) -> Json:
    """What a local JSON pointer such as `#/$defs/City` points at; None if nothing."""
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
    """What any reference leads to within `root`; None if nothing. Nothing is ever fetched."""
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
    """A key as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def standalone(schema: Object, root: Object) -> Object:
    """`schema`, a part of `root`, with all that its references lead to."""
    shared: Object = {name: root[name] for name in _DEFINED if name in root}
    alone = {**shared, **schema}
    if all(reference.startswith(_OWN) for reference in references(alone)):
        return alone
    place = "#/$defs/tool"
    return {**_moved(place, schema), "$defs": {"tool": _moved(place, root)}}


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
        elif key in NAMED and isinstance(value, dict):
            yield from references(list(value.values()))
        elif key not in VALUES:
            yield from references(value)


def _moved(place: str, schema: Json) -> Any:
    """`schema` with its own references leading into `place`, where its root now is."""
    if isinstance(schema, list):
        return [_moved(place, inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str) and value[:2] in ("#", "#/"):
            result[key] = place + value.removeprefix("#")
        elif key in NAMED and isinstance(value, dict):
            result[key] = {name: _moved(place, inner) for name, inner in value.items()}
        elif key not in VALUES:
            result[key] = _moved(place, value)
    return result
