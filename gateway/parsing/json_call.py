"""A call that is one JSON object: the text around it, and its meaning if its keys are unusual."""

from __future__ import annotations

import json
import re

from gateway.chat.json import Json, Object, parse_json
from gateway.formats.format import Format
from gateway.parsing.moves import Malformed

NAMES = ("name", "tool_name", "function")
ARGUMENTS = ("arguments", "parameters")
_UNPAIRED_SURROGATE = re.compile("[\ud800-\udfff]")  # UTF-8 can't encode it


def around(format: Format) -> tuple[str, str] | None:
    """The text before and after the JSON object that a call consists of, if it is one."""
    start, end = format.call.find("{"), format.call.rfind("}") + 1
    if not 0 <= start < format.call.find("$name") < end:
        return None
    return format.call[:start], format.call[end:]


def name_and_arguments(text: str, *, is_keyed: bool) -> tuple[str, Json]:
    """The name and the arguments in a call's JSON object; if it `is_keyed`, the name is the key.

    Missing arguments are None. Raises Malformed if the name is missing.
    """
    call = parsed(text)
    assert isinstance(call, dict)
    return next(iter(call.items()), ("", None)) if is_keyed else _under_any_key(call)


def _under_any_key(call: Object) -> tuple[str, Json]:
    """The name and the arguments, under any of the keys that models use."""
    if isinstance(function := call.get("function"), dict):
        call = function
    name = next((call[key] for key in NAMES if isinstance(call.get(key), str)), None)
    if not isinstance(name, str):
        raise Malformed("it has no name")
    return name, next((call[key] for key in ARGUMENTS if key in call), None)


def arguments_text(arguments: Json) -> str:
    """The JSON text of an object, which may be encoded as a string; raises Malformed."""
    value = parsed(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(value, dict):
        raise Malformed("its arguments are not an object")
    text = json.dumps(value, ensure_ascii=False)
    return _UNPAIRED_SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def parsed(text: str) -> Json:
    """Parses JSON; raises Malformed."""
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its arguments are not JSON: {error}") from error
