"""The first reading of a format: write a turn as the model would have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import assert_never

from gateway.turns import Call, Json, Turn
from gateway.wire.format import AsJson, Format, Hole, Tagged, parts


def encode(format: Format, turn: Turn) -> str:
    """Write `turn`, from where the prompt left off to just before the end-of-turn token."""
    written = ""
    if format.think and turn.reasoning:
        written += turn.reasoning.join(format.think)
    written += turn.text
    if turn.calls:
        written += (format.before if turn.text else "") + encode_calls(format, turn.calls)
    return written


def encode_calls(format: Format, calls: Sequence[Call]) -> str:
    opened, between, closed = format.calls
    return opened + between.join(_call(format, i, c) for i, c in enumerate(calls)) + closed


def _call(format: Format, index: int, call: Call) -> str:
    return "".join(_parts(format, index, call))


def _parts(format: Format, index: int, call: Call) -> Iterator[str]:
    for part in format.parts:
        match part:
            case Hole.NAME:
                yield call.name
            case Hole.ARGUMENTS:
                yield _arguments(format.arguments, call)
            case Hole.ID:
                yield call.id
            case Hole.INDEX:
                yield str(index)
            case _:
                yield part


def _arguments(style: AsJson | Tagged, call: Call) -> str:
    match style:
        case AsJson():
            return _dump(call.arguments, style)
        case Tagged():
            return "".join(_argument(style, *pair) for pair in call.arguments.items())
        case _:
            assert_never(style)


def _argument(style: Tagged, key: str, value: Json) -> str:
    bare = value if isinstance(value, str) else _dump(value)
    fill = {Hole.KEY: key, Hole.VALUE: bare}
    return "".join(fill[part] if isinstance(part, Hole) else part for part in parts(style.argument))


def _dump(value: Json, style: AsJson = AsJson()) -> str:
    separators = (style.item_separator, style.key_separator)
    return json.dumps(value, ensure_ascii=False, separators=separators)
