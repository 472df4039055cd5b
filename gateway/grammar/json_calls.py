"""Calls that are written as plain JSON in the text of an answer: their arguments are held.

Any JSON remains text up to the key of the arguments of a tool on offer. From there on the
arguments match the tool's schema. gateway/parsing/json_calls.py reads such calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.grammar.bare_string import NOTHING, containing
from gateway.grammar.json_schema.close_objects import enforceable
from gateway.grammar.json_schema.inline import json_rule
from gateway.grammar.lark import Lark
from gateway.parsing.json_calls import ARGUMENT_KEYS, LANGUAGES, TAGS

_SPACE = r"[ \t\r\n]*"
_NAME = rf'\{{{_SPACE}("type"{_SPACE}:{_SPACE}"function"{_SPACE},{_SPACE})?"name"{_SPACE}:{_SPACE}"'
_KEY = rf'"{_SPACE},{_SPACE}"({"|".join(ARGUMENT_KEYS)})"{_SPACE}:{_SPACE}'
_TAGS = "|".join(TAGS).replace("/", r"\x2F")
_MARKS = rf"```({'|'.join(LANGUAGES)})?|{_TAGS}|[\[,;]"
_SPACING: Object = {"whitespace_flexible": True, "whitespace_pattern": r"[ \t\r\n]{1,80}"}

# What a call begins with, from the start of a line up to its name.
_OPENING = rf"{_SPACE}(({_MARKS}){_SPACE})*{_NAME}"
_IN_TEXT = rf"((?s:.*)\n)?{_OPENING}"


def json_call_opening(names: Iterable[str]) -> str:
    """A terminal for what begins a call of a tool of `names`, up to the end of its name."""
    return f'/{_OPENING}({_any_of(names)})"/'


def no_json_call(names: Iterable[str]) -> str:
    """A condition on a terminal: it matches no text with a call of a tool of `names`."""
    return f" & ~(/{_IN_TEXT}({_any_of(names)}){_KEY}/ ~{NOTHING})"


class JsonCallRules:
    """Adds the rules of text that may contain calls of `tools`.

    The text after a call contains no `trigger`: it would open a call that nothing holds.
    """

    free_text = "JSON_TEXT"  # the terminal of text without any of them

    def __init__(self, tools: Sequence[Tool], trigger: str, lark: Lark):
        self._tools = tools
        self._rules = lark.rules
        self._rules["JSON_OPENING"] = f"/{_IN_TEXT}/"
        self._rules["JSON_TEXT"] = f"TEXT & ~(JSON_OPENING ~{NOTHING})"
        self._rules["JSON_AFTER"] = (
            f"JSON_TEXT & ~{containing(trigger)}" if trigger else "JSON_TEXT"
        )
        self._rules["json_opening[lazy]"] = "JSON_OPENING"
        self._rules["json_calls"] = " | ".join(self._calls())

    def text(self, terminal: str) -> str:
        """A part that matches text of `terminal`, with its calls."""
        self._rules["JSON_FREE"] = f"{terminal} & JSON_TEXT"
        self._rules["JSON_FIRST"] = f"{terminal} & JSON_OPENING"
        self._rules["json_first[lazy]"] = "JSON_FIRST"
        return "(JSON_FREE | json_first json_calls)"

    def _calls(self) -> Iterator[str]:
        """What may follow an opening: other JSON, or a call."""
        named = f"~(/({_any_of(tool.name for tool in self._tools)}){_KEY}/ ~{NOTHING})"
        opening = rf"/(?s:.*)\n{_OPENING}/"
        self._rules["JSON_OTHER"] = f"TEXT & {named} & ~({opening} ~{NOTHING})"
        self._rules["JSON_NEXT"] = f"{opening} & {named}"
        self._rules["json_next[lazy]"] = "JSON_NEXT"
        yield from ("JSON_OTHER", "json_next json_calls")
        after = "(JSON_AFTER | json_opening json_calls)"
        for i, tool in enumerate(self._tools):
            self._rules[f"json_{i}"] = _arguments(tool)
            yield rf"/{re.escape(tool.name)}{_KEY}/ json_{i} /{_SPACE}\}}/ {after}"


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names))


def _arguments(tool: Tool) -> str:
    return json_rule({**enforceable(tool.parameters, tool.json).schema, "x-guidance": _SPACING})
