"""Strings under a JSON Schema that are written without quotes, as terminals in Lark.

llguidance compiles a schema for JSON text (`%json`), so other text needs terminals of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from gateway.chat.json import Json, Object
from gateway.grammar.json_schema.formats import FORMATS
from gateway.schema.refs import find

MAX_DEPTH = 100  # references that lead to references

ANY_TEXT = "/(?s:.*)/"
NOTHING = r"/[^\s\S]/"

# Text that is read as a value of the type, where such a value is expected.
_NUMBER = r"/\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*/"
_WRITTEN = {
    **dict.fromkeys(("integer", "number"), _NUMBER),
    "boolean": r"/\s*(true|false)\s*/",
    "null": r"/\s*null\s*/",
    "array": r"/\s*\[(?s:.*)/",
    "object": r"/\s*\{(?s:.*)/",
}


class Bare:
    """Writes the terminals of one parameter; `rules` are those that `expression` refers to.

    The text can't contain `close`. If an `enum` lists only values with it, any text is admitted.
    """

    def __init__(self, root: Object, prefix: str, close: str = ""):
        self.rules: dict[str, str] = {}
        self._root = root
        self._prefix = prefix
        self._close = close
        self._targets: dict[str, str | None] = {}
        self._depth = 0

    def expression(self, schema: Json) -> str | None:
        """A terminal for the strings that are valid under `schema`; None if none is."""
        if not isinstance(schema, dict):
            return None if schema is False else ANY_TEXT
        every: list[str | None] = []
        for key, value in schema.items():
            match key, value:
                case "$ref", str(pointer):
                    every.append(self._target(pointer))
                case "type", str() | list():
                    every.append(ANY_TEXT if "string" in value else None)
                case "const", _:
                    every.append(self._one_of([value]))
                case "enum", list(values):
                    every.append(self._one_of(values))
                case "pattern", str(pattern):
                    every.append(_matching(pattern))
                case "format", str() if value in FORMATS:
                    every.append(f"/{in_slashes(FORMATS[value])}/")
                case "minLength", int() | float():
                    every.append(f"/(?s:.{{{int(value)},}})/")
                case "maxLength", int() | float():
                    every.append(f"/(?s:.{{0,{int(value)}}})/")
                case "anyOf" | "oneOf", list(branches):
                    every.append(_either([self.expression(branch) for branch in branches]))
                case "allOf", list(branches):
                    every += [self.expression(branch) for branch in branches]
        some = [one for one in every if one is not None]
        if len(some) < len(every):
            return None
        return " & ".join(dict.fromkeys(one for one in some if one != ANY_TEXT)) or ANY_TEXT

    def _one_of(self, values: list[Json]) -> str | None:
        texts = [value for value in values if isinstance(value, str)]
        some = [text for text in texts if not self._close or self._close not in text]
        return _either([f"/{_escaped(text)}/" for text in some] or [ANY_TEXT] * bool(texts))

    def _target(self, pointer: str) -> str | None:
        """A terminal for the strings that are valid under the target of `pointer`."""
        if pointer not in self._targets:
            if self._depth > MAX_DEPTH:
                return ANY_TEXT
            self._targets[pointer] = None  # a circular reference admits nothing
            self._depth += 1
            target = self.expression(find(pointer, self._root))
            self._depth -= 1
            if target not in (None, ANY_TEXT):
                name = f"{self._prefix}_{len(self.rules)}"
                self.rules[name], target = target, name
            self._targets[pointer] = target
        return self._targets[pointer]


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def containing(text: str) -> str:
    """A terminal for any text that contains `text`.

    It ends with any bytes. Any characters would not do: to find that a text of limited length
    contains none, llguidance would go through all of its states.
    """
    return f"(/(?s:.*){_escaped(text)}/ ~{NOTHING})"


def not_read_as(text: str, types: Iterable[str]) -> str:
    """What the terminal `text` matches, without what is read as a value of one of `types`."""
    values = dict.fromkeys(_WRITTEN[type] for type in sorted(types))
    return f"({text}) & ~({' | '.join(values)})" if values else text


def beginning(text: str) -> str:
    """A terminal for any text that begins with `text`; it ends with any bytes."""
    return f"(/{_escaped(text)}/ ~{NOTHING})"


def without(characters: str) -> str:
    """A regex for any text that contains none of `characters`."""
    return f"/[^{_escaped(characters)}]*/"


def _either(choices: list[str | None]) -> str | None:
    some = list(dict.fromkeys(choice for choice in choices if choice is not None))
    if ANY_TEXT in some:
        return ANY_TEXT
    return f"({' | '.join(f'({one})' for one in some)})" if some else None


def _matching(pattern: str) -> str:
    """A regex for the whole text, in which a JSON Schema's `pattern` may match anywhere."""
    start = "" if pattern.startswith("^") else "(?s:.*)"
    is_last = re.search(r"(?<!\\)(\\\\)*\$$", pattern)
    end = "" if is_last else "(?s:.*)"
    core = pattern.removeprefix("^")[: -1 if is_last else None]
    return f"/{start}({in_slashes(core)}){end}/"


def in_slashes(pattern: str) -> str:
    """`pattern` so that it can be written between slashes, on one line."""
    spelled = {"/": r"\x2F", r"\/": r"\x2F", "\n": r"\n", "\r": r"\r"}
    return re.sub(r"(?s)\\.|[/\n\r]", lambda m: spelled.get(m.group(), m.group()), pattern)


def _escaped(text: str) -> str:
    """A regex for `text` alone, never empty: `//` would be a comment."""
    return "".join(c if c.isalnum() else f"\\x{{{ord(c):X}}}" for c in text) or "(?:)"
