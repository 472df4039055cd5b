"""Finds the formats that a model may confuse with its own: those with the same first marker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from gateway.formats.families import FAMILIES, NAMED
from gateway.formats.format import Format, literal
from gateway.formats.markers import BRACKETS, head, words


@cache
def related_formats(format: Format) -> tuple[Format, ...]:
    """Other families' calls and JSON between the markers of `format`; parsed, never written.

    >>> from gateway.formats.families import MISTRAL_V13
    >>> related_formats(MISTRAL_V13)[-1].call
    '[TOOL_CALLS]$name$arguments'
    """
    own = (format, *format.variants)
    found = {_without_space(one): one for one in own}
    for one in own:
        for other in (*_with_same_trigger(one), *_with_json(one)):
            found.setdefault(_without_space(other), other)
    return tuple(found.values())[len(own) :]


@cache
def without_section(format: Format) -> tuple[Format, ...]:
    """The calls of `format` and its variants without the markers around all calls of a turn."""
    found = []
    for one in (format, *format.variants):
        before, between, _ = one.calls
        first = literal(one.parts[:1])
        if before.strip() and not between.strip() and not first.startswith("{"):
            found.append(replace(one, calls=("", between, ""), trigger=first, variants=()))
    return tuple(found)


def _with_same_trigger(format: Format) -> Iterator[Format]:
    for family in FAMILIES.values():
        for one in (family, *family.variants):
            if one.trigger == format.trigger:
                yield replace(one, variants=())


def _with_json(format: Format) -> Iterator[Format]:
    """A call as one JSON object, or as a name and JSON, between the tags of `format`."""
    before, between, after = format.calls
    tags = [("", (before, between or "\n", after), "")]
    if not before.strip():
        last = "".join(words(literal(format.parts[-1:]))[-1:])
        tags = [(head(format.call), format.calls, last if last not in BRACKETS else "")]
    elif before.rstrip().endswith("["):
        calls = (before.rstrip().removesuffix("["), between, after.lstrip().removeprefix("]"))
        tags.append(("", calls, ""))
    for opening, calls, closing in tags:
        first = (calls[0] + opening).strip()
        if first.startswith(format.trigger) and first[-1] in ">[]":
            for body in (NAMED, "$name$arguments"):
                call = f"{opening}{body}{closing}"
                yield Format(format.name, call=call, calls=calls, trigger=format.trigger)


def _without_space(format: Format) -> tuple[str, ...]:
    style = format.arguments
    texts = [format.first_call, *format.calls[1:], getattr(style, "argument", type(style).__name__)]
    return tuple("".join(words(text)) for text in texts)
