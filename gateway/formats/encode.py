"""The first reading of a format: write a turn as the model would have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import assert_never

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Turn
from gateway.formats import elements, literals
from gateway.formats.format import AsJson, Format, Hole, Literals, Nested, Tagged, parts


def encode(format: Format, turn: Turn) -> str:
    """Write `turn`, from where the prompt left off to just before the end-of-turn token."""
    return "".join(_turn(format, turn))


def encode_calls(format: Format, calls: Sequence[Call]) -> str:
    opened, between, closed = format.calls
    return opened + between.join(_call(format, i, c) for i, c in enumerate(calls)) + closed


def _turn(format: Format, turn: Turn) -> Iterator[str]:
    if format.think:
        yield (
            turn.reasoning.join(format.think) + format.joint if turn.reasoning else format.unthought
        )
    if turn.text:
        yield turn.text.join(format.speech_of(calls=bool(turn.calls)))
        yield format.joint if turn.calls else ""
    if turn.calls:
        yield format.before if turn.text else format.unsaid
        yield encode_calls(format, turn.calls)
    yield format.end


def _call(format: Format, index: int, call: Call) -> str:
    fill = {
        Hole.NAME: call.name,
        Hole.ARGUMENTS: _arguments(format, call.arguments),
        Hole.ID: call.id,
        Hole.INDEX: str(index + format.first_index),
    }
    return _filled(format.call, fill)


def _arguments(format: Format, arguments: Object) -> str:
    match format.arguments:
        case AsJson() as style:
            return as_json(arguments, style)
        case Tagged() as style:
            return style.between.join(_argument(style, *pair) for pair in arguments.items())
        case Literals() as style:
            return literals.write(arguments, style)
        case Nested() as style:
            return elements.write(arguments, style)
        case _:
            assert_never(format.arguments)


def as_json(value: Json, style: AsJson = AsJson()) -> str:
    """`value` in JSON, spaced as the family spaces it."""
    if style.indent is None:
        separators = (style.item_separator, style.key_separator)
        return json.dumps(value, ensure_ascii=False, separators=separators)
    lines = json.dumps(value, ensure_ascii=False, indent=style.indent)
    return lines.replace("\n", "\n" + " " * style.indent * style.depth)


def _argument(style: Tagged, key: str, value: Json) -> str:
    bare = value if isinstance(value, str) else as_json(value)
    if style.wrap and isinstance(value, str) and style.wraps(value):
        bare = value.join(style.wrap)
    types = {Hole.TYPE: style.types[_type(value)]} if style.types else {}
    return _filled(style.argument, {Hole.KEY: style.escaped(key), Hole.VALUE: bare, **types})


def _filled(template: str, fill: dict[Hole, str]) -> str:
    return "".join(fill[part] if isinstance(part, Hole) else part for part in parts(template))


def _type(value: Json) -> str:
    """The JSON type of `value`, by name."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
