"""Writes arguments as nested elements, such as MiniMax M3's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.chat.json import Json, Object
from gateway.formats.format import Elements, Placeholder, parts


def write(arguments: Object, style: Elements) -> str:
    """Writes all arguments of a call."""
    named = [(key, value) for key, value in arguments.items() if value is not None]
    return "".join(_element(key, value, style) for key, value in named)


def write_value(value: Json, style: Elements) -> str:
    """Writes one value, without its element's tags."""
    match value:
        case str():
            return value
        case dict():
            return write(value, style)
        case list():
            return "".join(_element(style.item, item, style) for item in value)
        case None:
            return ""
    return json.dumps(value)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of an element, split at its key."""

    opening: str
    opened: str
    closing: str
    closed: str

    @staticmethod
    def of(style: Elements) -> Tags:
        """Splits the element of a style at its placeholders.

        >>> Tags.of(Elements("<$key>$value</$key>"))
        Tags(opening='<', opened='>', closing='</', closed='>')
        """
        opening, _, opened, _, closing, _, closed = parts(style.element)
        texts = [t for t in (opening, opened, closing, closed) if not isinstance(t, Placeholder)]
        return Tags(*texts)

    def open(self, key: str) -> str:
        return f"{self.opening}{key}{self.opened}"

    def close(self, key: str) -> str:
        return f"{self.closing}{key}{self.closed}"


def _element(key: str, value: Json, style: Elements) -> str:
    tags = Tags.of(style)
    return f"{tags.open(key)}{write_value(value, style)}{tags.close(key)}"
