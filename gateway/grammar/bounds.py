"""Limits of what a grammar may require, wherever it is compiled."""

from __future__ import annotations

import re
from functools import cache

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

MAX_RULE_CHARS = 2**20  # without JSON Schemas, which compile faster; so many take some 3 s

# Each state of a lexer takes 2 kB, and every answer has its own.
MAX_LEXER_STATES = 50_000
# Of a step: 0.1 s. To see whether a long text can still end takes most of it, once in an answer.
MAX_LEXER_FUEL = 1_000_000
# Of a parser's row: each optional property takes four.
MAX_ROW_ITEMS = 40_000
# llguidance panics at 2**16 symbols, after a second of work; this limit is checked earlier.
MAX_SYMBOLS = 60_000


_SPECIAL_TOKENS = re.compile(r"<\[[\d,-]+\]>")


def _limits(max_grammar_size: int | None = None) -> LLParserLimits:
    return LLParserLimits(
        max_lexer_states=MAX_LEXER_STATES,
        step_lexer_fuel=MAX_LEXER_FUEL,
        max_items_in_row=MAX_ROW_ITEMS,
        step_max_items=2 * MAX_ROW_ITEMS,
        max_grammar_size=max_grammar_size,
    )


LIMITS = _limits()
TRIAL_LIMITS = _limits(MAX_SYMBOLS)


def refusal(grammar: str) -> str:
    """Why `grammar` is not compiled at all; empty if it is."""
    size = sum(len(line) for line in grammar.splitlines() if "%json" not in line)
    if size <= MAX_RULE_CHARS:
        return ""
    return f"the grammar's rules have {size} characters; at most {MAX_RULE_CHARS}"


def is_accepted(grammar: str) -> bool:
    """Whether llguidance compiles `grammar`, which has no special tokens, with bytes as tokens."""
    return not fault(grammar)


def fault(grammar: str) -> str:
    """Why llguidance does not compile `grammar`; empty if it does."""
    return refusal(grammar) or str(_matcher(grammar).get_error())


def without_special_tokens(grammar: str) -> str:
    """`grammar` with bytes in place of its special tokens: it compiles alike, with bytes as tokens.

    >>> without_special_tokens("start: <[151657]> <[3-7,9]> <[151657]>")
    'start: <[0]> <[1]> <[0]>'
    """
    tokens: dict[str, int] = {}

    def byte(token: re.Match[str]) -> str:
        number = tokens.setdefault(token.group(), len(tokens) % 256)
        return f"<[{number}]>"

    return _SPECIAL_TOKENS.sub(byte, grammar)


def matches(grammar: str, text: str) -> bool:
    """Whether `text` is all that `grammar` describes."""
    matcher = _matcher(grammar)
    tokens = [*text.encode("utf-8", "replace")]
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def is_possible(grammar: str) -> bool:
    """Whether `grammar` describes any text that is not empty."""
    bias = _matcher(grammar).compute_logit_bias()
    return any(bias[:256])


def _matcher(grammar: str) -> LLMatcher:
    lark = LLMatcher.grammar_from_lark(grammar)
    return LLMatcher(_byte_tokenizer(), lark, log_level=0, limits=TRIAL_LIMITS)


@cache
def _byte_tokenizer() -> LLTokenizer:
    return LLTokenizer("byte")
