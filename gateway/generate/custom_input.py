"""Checks the grammars of custom tools, and inputs against them."""

from __future__ import annotations

from gateway.chat.custom_tools import input_of
from gateway.chat.json import Object
from gateway.chat.messages import TextGrammar, Tool
from gateway.errors import BadRequest
from gateway.grammar.bounds import fault, matches
from gateway.grammar.custom.input_rules import alone
from gateway.grammar.custom.lark_nodes import LarkSyntaxError
from gateway.lru import LRUCache

MAX_CHECKED = 2**20  # characters of grammars whose check is remembered
MAX_REASON = 300  # characters of llguidance's message

_faults: LRUCache[str] = LRUCache(MAX_CHECKED)  # of grammars, by their text


def check_grammar(tool: Tool) -> None:
    """Raises BadRequest if the tool's grammar is not valid, or too large."""
    if tool.input_grammar and (reason := _fault(tool.input_grammar)):
        raise invalid_grammar(tool.name, reason)


def invalid_grammar(name: str, reason: str) -> BadRequest:
    return BadRequest(f"tool {name!r}: its grammar can't be enforced: {reason}", param="tools")


def input_violation(tool: Tool, arguments: Object) -> str | None:
    """What is wrong with the input of a call; None if it matches the tool's grammar."""
    if tool.input_grammar is None or matches(alone(tool.input_grammar), input_of(arguments)):
        return None
    return f"the input of {tool.name!r} does not match its grammar"


def _fault(grammar: TextGrammar) -> str:
    key = f"{grammar.syntax} {grammar.definition}"
    found = _faults.get(key)
    if found is None:
        try:
            found = fault(alone(grammar))
        except LarkSyntaxError as error:
            found = str(error)
        _faults[key] = found = found[:MAX_REASON]
    return found
