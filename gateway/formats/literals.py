"""Writes arguments as literals in a family's own notation, such as Python's or Gemma's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from gateway.chat.json import Json, Object
from gateway.formats.format import Literals, Placeholder, parts


def write(arguments: Object, style: Literals) -> str:
    """Writes all arguments of a call."""
    marker = key_marker(style.argument)
    return style.separator.join(
        f"{key}{marker}{write_value(arguments[key], style)}" for key in in_order(arguments, style)
    )


def write_value(value: Json, style: Literals) -> str:
    """Writes one value, at any depth within the arguments."""
    match value:
        case str():
            opened, closed = style.quotes
            return f"{opened}{escape(value) if style.has_escapes else value}{closed}"
        case bool() | None:
            return style.constants[(True, False, None).index(value)]
        case list():
            return f"[{style.separator.join(write_value(item, style) for item in value)}]"
        case dict():
            pairs = (_pair(key, value[key], style) for key in in_order(value, style))
            return f"{{{style.separator.join(pairs)}}}"
    return json.dumps(value)


def escape(text: str) -> str:
    """Escapes `text` for a single-quoted string, as Python does."""
    return UNSAFE.sub(lambda m: _ESCAPES.get(m[0]) or _by_number(ord(m[0])), text)


def in_order(keys: Iterable[str], style: Literals) -> list[str]:
    """Returns keys in the order in which the format writes them."""
    return sorted(keys, key=str.lower) if style.sorts_keys else [*keys]


def key_marker(template: str) -> str:
    """Returns what separates the key from the value in a template such as `$key: $value`.

    >>> key_marker("$key: $value")
    ': '
    """
    _, marker, _ = parts(template)
    assert not isinstance(marker, Placeholder)
    return marker


def _pair(key: str, value: Json, style: Literals) -> str:
    written = write_value(key, style) if style.has_quoted_keys else key
    return f"{written}{key_marker(style.pair)}{write_value(value, style)}"


def _by_number(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_ESCAPES = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
UNSAFE = re.compile("[\\\\'\x00-\x1f\x7f\ud800-\udfff]")
