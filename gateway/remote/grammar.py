"""A grammar as remote engines take it.

Sources: https://docs.vllm.ai/en/latest/features/structured_outputs/ and
https://github.com/ggml-org/llama.cpp/blob/master/docs/llguidance.md
"""

from __future__ import annotations

from typing import assert_never

from llguidance import LLMatcher

from gateway.chat.json import Object
from gateway.config.remote import RemoteOptions
from gateway.errors import BadRequest
from gateway.grammar.bounds import LIMITS, refusal
from gateway.lru import LRUCache

MOST_KEPT = 2**20  # characters of grammars that were looked at

_reasons: LRUCache[str] = LRUCache(MOST_KEPT)  # why each is refused; empty for those that are good


def asked_of(options: RemoteOptions, grammar: str) -> Object:
    """The field of a request that holds the engine to `grammar`; raises BadRequest.

    llama-server writes anything where it cannot compile a grammar, so it is compiled here first,
    which may take seconds.
    """
    match options.grammar:
        case "none":
            return {}
        case "vllm":
            _compile(grammar)
            return {"structured_outputs": {"grammar": grammar}}
        case "llama-server":
            _compile(grammar)
            return {"grammar": f"%llguidance {{}}\n{grammar}"}
        case _:
            assert_never(options.grammar)


def _compile(grammar: str) -> None:
    reason = _reasons.get(grammar)
    if reason is None:
        reason = _reasons[grammar] = refusal(grammar) or LLMatcher.validate_grammar(
            LLMatcher.grammar_from_lark(grammar), limits=LIMITS
        )
    if reason:
        raise BadRequest(reason, code="unsupported_schema")
