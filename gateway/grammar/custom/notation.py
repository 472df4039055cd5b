"""How a family writes the one argument of a custom tool."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.chat.custom_tools import INPUT
from gateway.formats.elements import Tags
from gateway.formats.encode import encode_arguments
from gateway.formats.format import AsJson, Elements, Format, Literals, Tagged
from gateway.grammar.custom.escaped_regex import JSON_ESCAPES, PYTHON_ESCAPES, Escapes

_TEXT = "text of the input"


@dataclass(frozen=True, slots=True)
class Notation:
    """`before` and `after` are the markers around the input, and `escapes` what is escaped in it.

    Without escapes the input is raw: it can't contain `excluded`, which would end it.
    """

    before: str
    after: str
    escapes: Escapes
    excluded: str


def notation(format: Format) -> Notation:
    """Returns how a call in `format` has the input."""
    style, text = format.arguments, _TEXT
    if isinstance(style, Tagged) and style.wrap:
        text = _TEXT.join(style.wrap)
    written = encode_arguments(format, {INPUT: _TEXT}).replace(_TEXT, text)
    before, after = written.split(_TEXT)
    match style:
        case AsJson():
            return Notation(before, after, JSON_ESCAPES, "")
        case Literals(has_escapes=True):
            return Notation(before, after, PYTHON_ESCAPES, "")
        case Elements():
            return Notation(before, after, {}, Tags.of(style).opening)
    return Notation(before, after, {}, after.strip())
