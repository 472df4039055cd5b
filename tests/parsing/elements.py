"""MiniMax's arguments, as elements within elements."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.chat.json import Json, Object
from gateway.formats.format import Elements
from gateway.parsing.elements import ElementsReader
from tests.formats.strategies import reads_as_json

N = "]<]minimax[>["

MINIMAX = Elements(f"{N}<$key>$value{N}</$key>")

END = f"{N}</invoke>"


def read(
    parameters: Object, pieces: Iterable[str], *, strict: bool = False, end: str = END
) -> tuple[str, str]:
    """The JSON that is read, and the text that is left when the arguments are done."""
    reader = ElementsReader(MINIMAX, parameters, strict=strict)
    read, left = "", ""
    for piece in [*pieces, end]:
        left += piece
        if not reader.done:
            json_text, passed = reader.feed(left)
            read, left = read + json_text, left[passed:]
    assert reader.done
    return read, left


def is_written(value: Json, schema: Json) -> bool:
    """Whether elements have a way to write this value and no other."""
    assert isinstance(schema, dict)
    match value:
        case None:
            return False
        case str():
            is_plain = schema.get("type") == "string" or schema.get("const") == value
            return is_plain or (value.strip() == value and not reads_as_json(value, schema))
        case dict() if schema.get("type") == "object":
            properties = schema["properties"]
            assert isinstance(properties, dict)
            return all(is_written(inner, properties[key]) for key, inner in value.items())
        case list() if schema.get("type") == "array":
            return all(is_written(item, schema["items"]) for item in value)
        case dict() | list():
            return False
    return True
