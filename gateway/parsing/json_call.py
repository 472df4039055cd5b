"""A call that is one JSON object: what stands around it, and what it means when it is sloppy."""

from __future__ import annotations

import json
import re

from gateway.chat.json import Json, Object, parse_json
from gateway.formats.format import Format
from gateway.parsing.cursor import Malformed

NAMES = ("name", "tool_name", "function")
ARGUMENTS = ("arguments", "parameters")
HALF = re.compile("[\ud800-\udfff]")  # half a character, which can't be sent as it is


def around(format: Format) -> tuple[str, str] | None:
    """What stands around the JSON object that is the whole of a call, if it is one."""
    start, end = format.call.find("{"), format.call.rfind("}") + 1
    if not 0 <= start < format.call.find("$name") < end:
        return None
    return format.call[:start], format.call[end:]


def opened(text: str, *, keyed: bool) -> tuple[str, Json]:
    """The name and the arguments in an envelope; if `keyed`, the name is the key.

    Arguments that are not there are None. Raises Malformed if the name isn't.
    """
    said = parsed(text)
    assert isinstance(said, dict)
    return next(iter(said.items()), ("", None)) if keyed else _named(said)


def _named(said: Object) -> tuple[str, Json]:
    """The name and the arguments, under any of the keys that models use."""
    if isinstance(inner := said.get("function"), dict):
        said = inner
    name = next((said[key] for key in NAMES if isinstance(said.get(key), str)), None)
    if not isinstance(name, str):
        raise Malformed("it has no name")
    return name, next((said[key] for key in ARGUMENTS if key in said), None)


def object_in(said: Json) -> str:
    """The JSON of an object, or of one that was encoded as a string; raises Malformed."""
    value = parsed(said) if isinstance(said, str) else said
    if not isinstance(value, dict):
        raise Malformed("its arguments are not an object")
    text = json.dumps(value, ensure_ascii=False)
    return HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


def parsed(text: str) -> Json:
    """Read JSON; raises Malformed."""
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its arguments are not JSON: {error}") from error
