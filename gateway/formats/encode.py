"""Writes a turn in a format, exactly as the model would generate it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import assert_never

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Turn
from gateway.formats import elements, literals
from gateway.formats.format import AsJson, Elements, Format, Literals, Placeholder, Tagged, parts


def encode(format: Format, turn: Turn) -> str:
    """Writes `turn`, from the end of the prompt to just before the end-of-turn token."""
    return "".join(_turn(format, turn))


def answer_prefix(format: Format, prompt: str) -> str:
    """The part of the turn that the end of `prompt` already contains; "" if it opens nothing."""
    pairs = (format.think, format.content, format.content_before_calls)
    openers = [*(pair[0] for pair in pairs if pair), format.trigger]
    text = prompt.rstrip()
    return max((o for o in openers if o and text.endswith(o.rstrip())), key=len, default="")


def encode_calls(format: Format, calls: Sequence[Call]) -> str:
    """Writes the calls of a turn, with the text around them."""
    before, between, after = format.calls
    return before + between.join(_call(format, i, c) for i, c in enumerate(calls)) + after


def _turn(format: Format, turn: Turn) -> Iterator[str]:
    if format.think:
        yield (
            turn.reasoning.join(format.think) + format.section_separator
            if turn.reasoning
            else format.empty_think
        )
    if turn.text:
        yield turn.text.join(format.content_markers(before_calls=bool(turn.calls)))
        yield format.section_separator if turn.calls else ""
    if turn.calls:
        yield format.before_calls if turn.text else format.empty_content
        yield encode_calls(format, turn.calls)
    yield format.turn_end


def _call(format: Format, index: int, call: Call) -> str:
    fill = {
        Placeholder.NAME: call.name,
        Placeholder.ARGUMENTS: encode_arguments(format, call.arguments),
        Placeholder.ID: call.id,
        Placeholder.INDEX: str(index + format.first_index),
    }
    return _filled(format.call, fill)


def encode_arguments(format: Format, arguments: Object) -> str:
    """Writes the arguments of a call."""
    match format.arguments:
        case AsJson() as style:
            return as_json(arguments, style)
        case Tagged() as style:
            return style.separator.join(_argument(style, *pair) for pair in arguments.items())
        case Literals() as style:
            return literals.write(arguments, style)
        case Elements() as style:
            return elements.write(arguments, style)
        case _:
            assert_never(format.arguments)


def as_json(value: Json, style: AsJson = AsJson()) -> str:
    """`value` as JSON, with the spacing of the family."""
    if style.indent is None:
        separators = (style.item_separator, style.key_separator)
        return json.dumps(value, ensure_ascii=False, separators=separators)
    lines = json.dumps(value, ensure_ascii=False, indent=style.indent)
    return lines.replace("\n", "\n" + " " * style.indent * style.depth)


def _argument(style: Tagged, key: str, value: Json) -> str:
    text = value if isinstance(value, str) else as_json(value)
    if style.wrap and isinstance(value, str) and style.needs_wrap(value):
        text = value.join(style.wrap)
    types = {Placeholder.TYPE: style.types[_json_type(value)]} if style.types else {}
    return _filled(
        style.argument, {Placeholder.KEY: style.escaped(key), Placeholder.VALUE: text, **types}
    )


def _filled(template: str, fill: dict[Placeholder, str]) -> str:
    return "".join(
        fill[part] if isinstance(part, Placeholder) else part for part in parts(template)
    )


def _json_type(value: Json) -> str:
    """The name of the JSON type of `value`."""
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
