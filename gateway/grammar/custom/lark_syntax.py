"""Parses a grammar that a client wrote, in llguidance's dialect of Lark.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from gateway.grammar.custom.common_terminals import COMMON
from gateway.grammar.custom.lark_nodes import (
    START,
    Both,
    Choice,
    Definitions,
    LarkSyntaxError,
    Literal,
    Name,
    Node,
    Not,
    Regex,
    Repeated,
    Sequence,
    in_regex,
    names,
)

MAX_NESTING = 64  # of parentheses
MAX_DEFINITIONS = 1000


def parse(text: str) -> Definitions:
    """Parses a grammar whose first rule is `start`; raises LarkSyntaxError."""
    return _Parser(text).parse()


_TOKEN = re.compile(
    r"""
    (?P<space> [ \t]+ | (?:\#|//)[^\n]* )
  | (?P<newline> (?:\r?\n[ \t]*)+ )
  | (?P<name> [!?]? (?: _?[A-Z][_A-Z0-9-]* | [_]?[a-z][_a-z0-9-]* ) )
  | (?P<string> "(?:\\.|[^"\\\n])*" i? )
  | (?P<regex> /(?:\\.|[^/\\\n])+/ [imslux]* )
  | (?P<number> \d+ )
  | (?P<sign> %[a-z]+ | \.\. | -> | [:|()\[\]{}*+?~&,.=] )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Parser:
    def __init__(self, text: str):
        self._text = text
        self._tokens = [*self._split(), _Token("newline", "", len(text)), _Token("end", "", 0)]
        self._next = 0
        self._depth = 0
        self._found = Definitions()

    def parse(self) -> Definitions:
        while self._peek().kind != "end":
            if self._peek().kind == "newline":
                self._take()
            elif self._skip("%ignore"):
                self._found.ignored.append(self._choice())
                self._end()
            elif self._skip("%import"):
                self._import()
                self._end()
            else:
                self._definition()
        self._check_names()
        return self._found

    # -- statements

    def _definition(self) -> None:
        name = self._expect("name").text.lstrip("!?")
        if self._skip("["):
            if self._expect("name").text != "lazy":
                self._fail("only the option `lazy` is supported")
            self._found.lazy.add(name)
            self._need("]")
        self._need(":")
        if name in self._found.bodies:
            self._fail(f"{name!r} is defined twice")
        self._found.bodies[name] = self._choice()
        if len(self._found.bodies) > MAX_DEFINITIONS:
            self._fail(f"more than {MAX_DEFINITIONS} rules and terminals")
        self._end()

    def _import(self) -> None:
        if self._expect("name").text != "common":
            self._fail("only `common` can be imported")
        names = []
        if self._skip("."):
            names.append(self._expect("name").text)
            own = self._expect("name").text if self._skip("->") else names[0]
            self._add_common(names[0], own)
            return
        self._need("(")
        while not self._skip(")"):
            name = self._expect("name").text
            self._add_common(name, name)
            self._skip(",")

    def _add_common(self, name: str, own: str) -> None:
        if name not in COMMON:
            self._fail(f"`common` has no {name!r}")
        self._found.bodies[own] = Regex(COMMON[name])

    def _check_names(self) -> None:
        if START.name not in self._found.bodies:
            raise LarkSyntaxError("it has no rule `start`")
        for body in [*self._found.bodies.values(), *self._found.ignored]:
            for name in names(body):
                if name not in self._found.bodies:
                    raise LarkSyntaxError(f"{name!r} is not defined")

    # -- expressions

    def _choice(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail("nested too deep")
        ways = [self._both()]
        while self._skip_or():
            ways.append(self._both())
        self._depth -= 1
        return ways[0] if len(ways) == 1 else Choice(tuple(ways))

    def _both(self) -> Node:
        parts = [self._sequence()]
        while self._skip("&"):
            parts.append(self._sequence())
        if self._skip("->"):
            self._expect("name")  # the name of a way, which only syntax trees have
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _sequence(self) -> Node:
        parts = []
        while (part := self._repeated()) is not None:
            parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self) -> Node | None:
        if self._skip("~"):
            negated = self._atom()
            if negated is None:
                self._fail("expected what is excluded")
            part: Node | None = Not(negated)
        else:
            part = self._atom()
        if part is None:
            return None
        match self._peek().text:
            case "*":
                times: tuple[int, int | None] = (0, None)
            case "+":
                times = (1, None)
            case "?":
                times = (0, 1)
            case "~":
                self._take()
                least = int(self._expect("number").text)
                most = int(self._expect("number").text) if self._skip("..") else least
                return Repeated(part, least, most)
            case "{":
                self._take()
                return Repeated(part, *self._bounds())
            case _:
                return part
        self._take()
        return Repeated(part, *times)

    def _bounds(self) -> tuple[int, int | None]:
        least = int(self._take().text) if self._peek().kind == "number" else 0
        if self._skip("}"):
            return least, least
        self._need(",")
        most = int(self._take().text) if self._peek().kind == "number" else None
        self._need("}")
        return least, most

    def _atom(self) -> Node | None:
        token = self._peek()
        match token.kind, token.text:
            case "string", text:
                self._take()
                return self._range(text) if self._peek().text == ".." else self._literal(text)
            case "regex", text:
                self._take()
                pattern, flags = text[1:].rsplit("/", 1)
                return Regex(pattern, flags)
            case "name", text:
                self._take()
                return Name(text.lstrip("!?"))
            case _, "(":
                self._take()
                inner = self._choice()
                self._need(")")
                return inner
            case _, "[":
                self._take()
                inner = self._choice()
                self._need("]")
                return Repeated(inner, 0, 1)
        return None

    def _literal(self, token: str) -> Literal:
        return Literal(_unquoted(token.removesuffix("i")), token.endswith("i"))

    def _range(self, first: str) -> Regex:
        self._need("..")
        ends = _unquoted(first), _unquoted(self._expect("string").text)
        if any(len(end) != 1 for end in ends):
            self._fail("a range is from one character to another")
        return Regex("[{}-{}]".format(*map(in_regex, ends)))

    # -- tokens

    def _split(self) -> Iterator[_Token]:
        at = depth = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if not found:
                line, rest = self._line(at), self._text[at : at + 20]
                raise LarkSyntaxError(f"line {line}: {rest!r} is not supported")
            token = _Token(str(found.lastgroup), found.group(), at)
            if token.kind == "sign":
                depth += (token.text in "([{") - (token.text in ")]}")
            if token.kind != "space" and not (token.kind == "newline" and depth > 0):
                yield token
            at = found.end()

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _skip(self, text: str) -> bool:
        is_next = self._peek().text == text
        self._next += is_next
        return is_next

    def _skip_or(self) -> bool:
        """Takes a `|`, which may be on the next line."""
        is_on_next_line = (
            self._peek().kind == "newline" and self._tokens[self._next + 1].text == "|"
        )
        self._next += is_on_next_line
        return self._skip("|")

    def _need(self, text: str) -> None:
        if not self._skip(text):
            self._fail(f"expected {text!r}")

    def _expect(self, kind: str) -> _Token:
        if self._peek().kind != kind:
            self._fail(f"expected a {kind}")
        return self._take()

    def _end(self) -> None:
        if self._peek().kind != "newline":
            self._fail("expected the end of the line")

    def _fail(self, reason: str) -> NoReturn:
        token = self._peek()
        raise LarkSyntaxError(f"line {self._line(token.at)}: {reason}, found {token.text[:20]!r}")

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1


def _unquoted(string: str) -> str:
    text = _ESCAPE.sub(_character, string[1:-1])
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    digits = escape["unit"] or escape["byte"]
    return chr(int(digits, 16)) if digits else _CHARACTERS.get(escape[0][1], escape[0][1])


_ESCAPE = re.compile(r"\\(?:u(?P<unit>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})|.)")
_CHARACTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
