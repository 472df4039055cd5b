"""Passes a grammar to a remote engine.

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

MAX_CACHED = 2**20  # characters of grammars

_errors: LRUCache[str] = LRUCache(MAX_CACHED)  # why each is invalid; empty for a valid one


def grammar_field(options: RemoteOptions, grammar: str) -> Object:
    """Returns the request's field that makes the engine enforce `grammar`; raises BadRequest.

    The grammar is compiled here first, which may take seconds: llama-server ignores a grammar
    that it can't compile.
    """
    match options.grammar:
        case "none":
            return {}
        case "vllm":
            _check(grammar)
            return {"structured_outputs": {"grammar": grammar}}
        case "llama-server":
            _check(grammar)
            return {"grammar": f"%llguidance {{}}\n{grammar}"}
        case _:
            assert_never(options.grammar)


def _check(grammar: str) -> None:
    error = _errors.get(grammar)
    if error is None:
        error = _errors[grammar] = refusal(grammar) or LLMatcher.validate_grammar(
            LLMatcher.grammar_from_lark(grammar), limits=LIMITS
        )
    if error:
        raise BadRequest(error, code="unsupported_schema")
