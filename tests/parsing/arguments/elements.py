"""Reads arguments that are nested elements, as MiniMax M3 writes them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.chat.json import Json, Object
from gateway.formats.format import Elements
from gateway.parsing.arguments.elements import ElementsReader
from gateway.parsing.buffer import Buffer
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Pieces
from tests.formats.strategies import reads_as_json
from tests.parsing.arguments.pieces import read_all

N = "]<]minimax[>["

MINIMAX = Elements(f"{N}<$key>$value{N}</$key>")

END = f"{N}</invoke>"


def read(
    parameters: Object, pieces: Iterable[str], *, strict: bool = False, end: str = END
) -> tuple[str, str]:
    """The JSON that is read, and the text that follows the arguments."""
    buffer, arguments = reader(parameters, strict=strict)
    return read_all(arguments, buffer, [*pieces, end])


def reader(parameters: Object, *, strict: bool = False) -> tuple[Buffer, Pieces]:
    """A buffer, and the arguments in it; they raise if it is closed before their end."""
    buffer = Buffer()
    scanner = ExactScanner(buffer, strict=strict)
    return buffer, scanner.arguments(ElementsReader(scanner, MINIMAX, parameters).arguments())


def is_written(value: Json, schema: Json) -> bool:
    """Whether elements can write this value, unambiguously."""
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
