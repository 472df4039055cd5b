"""What a grammar may ask for, wherever it is compiled."""

from __future__ import annotations

from llguidance import LLParserLimits

MOST_RULES = 2**20  # characters but for JSON Schemas, which go faster; this many take some 3 s

# llguidance's own limits hold a step to some 20 ms. But each state of a lexer takes 2 kB, and every
# answer has its own.
LIMITS = LLParserLimits(max_lexer_states=50_000)


def refusal(grammar: str) -> str:
    """Why `grammar` is not even looked at; empty if it is."""
    size = sum(len(line) for line in grammar.splitlines() if "%json" not in line)
    return (size > MOST_RULES) * f"the grammar's rules have {size} characters; at most {MOST_RULES}"
