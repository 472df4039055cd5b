"""Writes a tool's own grammar into that of a turn, for the text of the tool's one argument.

The text is written as the family writes strings: with escapes, or raw up to a closing marker. Raw
text can't contain the marker. A grammar without recursion becomes one terminal, so that no
division into lexemes can go wrong; the rules of any other stay rules.
"""

from __future__ import annotations

from gateway.chat.messages import TextGrammar
from gateway.grammar.bare_string import containing
from gateway.grammar.custom.lark_nodes import START, Definitions, LarkSyntaxError, Regex, names
from gateway.grammar.custom.lark_syntax import parse
from gateway.grammar.custom.notation import Notation
from gateway.grammar.custom.recursive_rules import RecursiveRules
from gateway.grammar.custom.terminals import Terminals
from gateway.grammar.expressions import sequence
from gateway.grammar.lark import Lark

MAX_DEPTH = 100  # of rules that refer to each other


def closed_input(grammar: TextGrammar, notation: Notation, lark: Lark, prefix: str) -> str:
    """A part that matches the text and the marker after it.

    Adds rules to `lark`, whose names begin with `prefix`. Raises LarkSyntaxError for what can't be
    written in the family's notation.
    """
    own, capitals = definitions(grammar), prefix.upper()
    terminals = Terminals(own, lark.rules, f"{capitals}_INPUT", notation.escapes)
    if is_recursive(own):
        return RecursiveRules(own, terminals, notation, lark, prefix).text()
    text = terminals.part(START)
    if notation.escapes:
        lark.rules[capitals] = text
        return sequence(capitals, lark.literal(notation.after))
    text = f"({text}) & ~{containing(notation.excluded)}"
    return lark.closed(capitals, text, notation.after)


def alone(grammar: TextGrammar) -> str:
    """The grammar by itself, for text that is not in a call; raises LarkSyntaxError."""
    own = definitions(grammar)
    if is_recursive(own):
        return grammar.definition
    rules: dict[str, str] = {}
    terminals = Terminals(own, rules, "INPUT", {})
    rules["INPUT"] = terminals.part(START)
    return "\n".join(["start: INPUT", *(f"{name}: {body}" for name, body in rules.items())])


def definitions(grammar: TextGrammar) -> Definitions:
    """The rules of a grammar; raises LarkSyntaxError."""
    if grammar.syntax == "regex":
        return Definitions({START.name: Regex(grammar.definition)})
    return parse(grammar.definition)


def is_recursive(definitions: Definitions) -> bool:
    """Whether a rule refers to itself, also through others; raises LarkSyntaxError for too many."""
    complete: set[str] = set()

    def leads_back(name: str, above: frozenset[str]) -> bool:
        if name in complete:
            return False
        below = above | {name}
        if len(below) > MAX_DEPTH:
            raise LarkSyntaxError(f"rules refer to each other more than {MAX_DEPTH} deep")
        found = any(
            inner in below or leads_back(inner, below) for inner in names(definitions.bodies[name])
        )
        complete.add(name)
        return found

    return leads_back(START.name, frozenset())
