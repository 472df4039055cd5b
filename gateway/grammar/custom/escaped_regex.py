r"""Regular expressions for text in which some characters are written as escapes, as in JSON.

For example, `.` becomes `[[.]&&[^"\\]]`, or one of the escapes.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from gateway.grammar.bare_string import in_slashes
from gateway.grammar.bounds import matches
from gateway.grammar.custom.lark_nodes import LarkSyntaxError, in_regex

# What a character is written as. Other control characters occur in fixed texts only.
Escapes = Mapping[str, str]
JSON_ESCAPES: Escapes = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
PYTHON_ESCAPES: Escapes = {
    "'": "\\'",
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}

_PIECE = re.compile(
    r"""
    (?P<anchor> \\[bBAz<>] | \^ | \$ )
  | (?P<one> \\(?: x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | [xuU]\{[0-9a-fA-F]+\}
                 | [pP](?:\{[^{}]*\}|[A-Za-z]) | . ) )
  | (?P<flags> \(\?[a-zA-Z-]+\)? (?::)? )
  | (?P<group> \( (?: \?P?<\w+> | \?: )? )
  | (?P<end> \) )
  | (?P<repeat> [*+?|] | \{[0-9,\ ]*\} )
  | (?P<dot> \. )
  | (?P<char> [^\[\]] | \] )
    """,
    re.VERBOSE | re.DOTALL,
)


def escaped_text(text: str, escapes: Escapes) -> str:
    """Returns `text` as it is written; without `escapes` that is the text itself."""
    if not escapes:
        return text
    return "".join(escapes.get(char) or _CONTROL.sub(_by_number, char) for char in text)


def escaped_regex(pattern: str, flags: str, escapes: Escapes) -> str:
    """Returns a regex for what `pattern` matches, as it is written.

    Raises LarkSyntaxError for what can't be translated.
    """
    return "".join(_pieces(pattern, flags, escapes))


def _by_number(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"


_CONTROL = re.compile("[\x00-\x1f]")


def _pieces(pattern: str, flags: str, escapes: Escapes) -> Iterator[str]:
    ignores_case, has_all = "i" in flags, "s" in flags
    if "x" in flags:
        raise LarkSyntaxError("a regex with the flag `x` is not supported")
    groups: list[tuple[bool, bool]] = []  # the flags outside of each open group
    at = 0
    while at < len(pattern):
        if pattern[at] == "[":
            end = _class_end(pattern, at)
            yield _written(pattern[at:end], ignores_case, escapes)
            at = end
            continue
        found = _PIECE.match(pattern, at)
        if not found:
            raise LarkSyntaxError(f"the regex {pattern[:60]!r} is not supported")
        piece, at = found.group(), found.end()
        match found.lastgroup:
            case "flags":
                on, _, off = piece.strip("(?:)").partition("-")
                if set(on + off) - set("isu"):
                    raise LarkSyntaxError(f"the flags {piece!r} of a regex are not supported")
                if not piece.endswith(")"):
                    groups.append((ignores_case, has_all))
                ignores_case = ("i" in on) or (ignores_case and "i" not in off)
                has_all = ("s" in on) or (has_all and "s" not in off)
                yield "" if piece.endswith(")") else "(?:"
            case "group":
                if pattern.startswith("?", at):
                    raise LarkSyntaxError(f"the regex {pattern[:60]!r} is not supported")
                groups.append((ignores_case, has_all))
                yield "(?:"
            case "end":
                ignores_case, has_all = groups.pop() if groups else (ignores_case, has_all)
                yield piece
            case "anchor":
                if piece not in "^$":
                    raise LarkSyntaxError(f"{piece!r} in a regex is not supported")
            case "repeat":
                yield piece
            case "dot":
                yield _written(r"[\s\S]" if has_all else r"[^\n]", ignores_case, escapes)
            case _:
                yield _written(piece, ignores_case, escapes)


def _class_end(pattern: str, start: int) -> int:
    """The index after the class that opens at `start`."""
    depth, at = 0, start
    while at < len(pattern):
        char = pattern[at]
        at += 2 if char == "\\" else 1
        depth += (char == "[") - (char == "]")
        is_first = char == "[" and pattern[at : at + 1] == "]"
        is_first_of_rest = char == "[" and pattern[at : at + 2] == "^]"
        at += 1 if is_first else 2 if is_first_of_rest else 0
        if not depth:
            return at
    raise LarkSyntaxError(f"the regex {pattern[:60]!r} has a class that is not closed")


def _written(one: str, ignores_case: bool, escapes: Escapes) -> str:
    """A regex for the character that the regex `one` matches, as it is written."""
    if len(one) == 1 and one.isprintable() and one not in escapes:
        return f"(?i:{in_regex(one)})" if ignores_case else in_regex(one)
    if one in escapes:
        return in_regex(escapes[one])
    members = one if one.startswith(("[", "\\")) else in_regex(one)
    unescaped = f"[{members}&&[^{''.join(map(in_regex, escapes))}\\x00-\\x1F\\x7F]]"
    if ignores_case:
        unescaped = f"(?i:{unescaped})"
    ways = [in_regex(escapes[char]) for char in escapes if _matches(one, char)]
    return f"(?:{'|'.join([unescaped, *ways])})"


@lru_cache(maxsize=4096)
def _matches(one: str, char: str) -> bool:
    return matches(f"start: /{in_slashes(one)}/", char)
