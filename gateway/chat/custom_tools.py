"""Custom tools, which take one text: how they are shown to a model, and how their input is read.

To a model, such a tool is a function with one string argument.
"""

from __future__ import annotations

import json
import re

from gateway.chat.json import Object
from gateway.chat.messages import TextGrammar, Tool

INPUT = "input"  # the argument
_SYNTAXES = {"lark": "Lark grammar", "regex": "regular expression"}


def custom_tool(name: str, description: str, grammar: TextGrammar | None = None) -> Tool:
    """Returns the tool as a function; the model is shown the grammar that its input must match."""
    schema: Object = {"type": "string"}
    if grammar:
        syntax = _SYNTAXES[grammar.syntax]
        schema["description"] = f"Text that matches this {syntax}:\n{grammar.definition}"
    parameters: Object = {
        "type": "object",
        "properties": {INPUT: schema},
        "required": [INPUT],
        "additionalProperties": False,
    }
    return Tool(name, description, parameters, is_custom=True, input_grammar=grammar)


def input_of(arguments: Object) -> str:
    """Returns the input that the arguments of a call have."""
    value = arguments.get(INPUT, "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class InputReader:
    """Reads the input of a call from the JSON text of its arguments, as it is generated.

    >>> reader = InputReader()
    >>> [reader.feed(piece) for piece in ('{"inp', 'ut": "a', '\\\\', 'nb"}')]
    ['', 'a', '', '\\nb']
    """

    def __init__(self) -> None:
        self._unread = ""
        self._has_begun = False

    def feed(self, json_piece: str) -> str:
        """Returns the next piece of the input; `json_piece` is the next of the arguments."""
        self._unread += json_piece
        if not self._has_begun:
            head = _HEAD.match(self._unread)
            if not head:
                return ""
            self._has_begun = True
            self._unread = self._unread[head.end() :]
        complete = _COMPLETE.match(self._unread)
        assert complete
        self._unread = self._unread[complete.end() :]
        text: str = json.loads(f'"{complete[0]}"', strict=False)
        return text


_HEAD = re.compile(rf'\s*\{{\s*"{INPUT}"\s*:\s*"')
# Characters and whole escapes; a high surrogate only with the low one that follows.
_COMPLETE = re.compile(
    r"""(?:[^"\\]|\\[^u]|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"""
    r"""|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))*"""
)
