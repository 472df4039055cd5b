"""Constrained decoding with llguidance: which tokens a grammar allows next."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

import numpy as np
from llguidance import LLMatcher
from llguidance.llamacpp import lltokenizer_from_vocab

from gateway.engine.protocol import Generate, ToWorker
from gateway.grammar.bounds import LIMITS, refusal
from gateway.lru import LRUCache
from gateway.worker.interfaces import GrammarError, Mask
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.number_limit import NumberLimit
from gateway.worker.stats import StatsCounters

MAX_CACHED_CHARACTERS = 4 * 2**20  # of compiled grammars; each takes about 80 bytes


class GrammarCompiler:
    """Compiles grammars for the vocabulary of a model, with an LRU cache by their text.

    Several threads may use it.
    """

    def __init__(self, llama: Llama, counters: StatsCounters | None = None):
        self._llama = llama
        self._counters = counters or StatsCounters()
        with warnings.catch_warnings():
            # llguidance calls functions of llama.cpp that the bindings have deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            # This takes 0.3 s for 49,000 tokens.
            self._tokenizer = lltokenizer_from_vocab(llama.vocab, eos_token=llama.end_tokens())
        self._compiled: LRUCache[LLMatcher | GrammarError] = LRUCache(MAX_CACHED_CHARACTERS)
        self._compiling: dict[str, Lock] = {}  # by grammar

    def matcher(self, grammar: str) -> LlguidanceMatcher:
        """A matcher at the start of `grammar`. Raises GrammarError with llguidance's reason."""
        compiled = self._compiled.get(grammar) or self._compile_once(grammar)
        if isinstance(compiled, GrammarError):
            raise GrammarError(*compiled.args)
        return LlguidanceMatcher(compiled.deep_copy(), self._llama, self._counters)

    def prepare(self, message: ToWorker) -> None:
        """Compile the grammar of `message` into the cache. This may take a second."""
        if isinstance(message, Generate):
            request = message.request
            opening = request.opening and request.opening.grammar
            for grammar in (request.grammar, request.fallback.grammar, opening):
                with suppress(GrammarError):  # `matcher` raises it again
                    if grammar:
                        self.matcher(grammar)

    def _compile_once(self, grammar: str) -> LLMatcher | GrammarError:
        """Compile a grammar, unless another thread is doing so: then wait for that."""
        with self._compiling.setdefault(grammar, Lock()):
            compiled = self._compiled.get(grammar)
            if compiled is None:
                compiled = self._compiled[grammar] = self._compile(grammar)
        self._compiling.pop(grammar, None)
        return compiled

    def _compile(self, grammar: str) -> LLMatcher | GrammarError:
        if reason := refusal(grammar):
            return GrammarError(reason)
        matcher = LLMatcher(
            self._tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0, limits=LIMITS
        )
        return GrammarError(matcher.get_error()) if matcher.is_error() else matcher


class LlguidanceMatcher:
    """The `GrammarMatcher` of one answer.

    A grammar that proves too complex for llguidance is given up: any token is allowed then, and
    `failure` says why.
    """

    def __init__(self, matcher: LLMatcher, llama: Llama, counters: StatsCounters):
        self.failure = ""
        self._matcher = matcher
        self._llama = llama
        self._counters = counters
        self._number = NumberLimit()

    def try_accept(self, token: int) -> bool:
        """Advance by `token` if the grammar allows it; whether it does."""
        if self._llama.is_end(token):
            # llguidance consumes no end token, not even one that is part of the grammar.
            return bool(self._matcher.is_accepting() or self.mask()[token])
        piece = self._llama.piece(token)
        if self._number.is_exceeded_by(piece) and not self.mask()[token]:
            return False
        if self._is_given_up() or not self._matcher.try_consume_tokens([token]):
            return self._is_given_up()
        self._number.feed(piece)
        return True

    def can_accept(self, tokens: Sequence[int]) -> bool:
        """Whether the grammar allows all of `tokens` in sequence. The matcher does not advance."""
        accepted = self._matcher.validate_tokens(list(tokens))
        return self._is_given_up() or bool(accepted == len(tokens))

    def can_end_with(self, tokens: Sequence[int]) -> bool:
        """Whether the answer is complete after `tokens`. The matcher does not advance."""
        ahead = self._matcher.deep_copy() if tokens else self._matcher
        accepted = ahead.try_consume_tokens(list(tokens)) if tokens else 0
        return bool(accepted == len(tokens) and ahead.is_accepting())

    def mask(self) -> Mask:
        """True for each token that is allowed next; shape (vocabulary,)."""
        start_s = time.perf_counter()
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._counters.mask_s += time.perf_counter() - start_s
        self._counters.masks += 1
        if self._is_given_up():
            return np.ones(self._llama.vocab_size, np.bool_)
        mask = np.unpackbits(bits, bitorder="little")[: self._llama.vocab_size].view(np.bool_)
        return self._without_long_numbers(mask)

    def accept_forced(self) -> list[int]:
        """Advance by all tokens that the grammar forces, and return them."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        accepted = self._matcher.try_consume_tokens(tokens) if tokens else 0
        if self._is_given_up():
            return []
        self._number.feed(b"".join(map(self._llama.piece, tokens[:accepted])))
        return tokens[:accepted]

    @property
    def is_finished(self) -> bool:
        """Whether the grammar allows no further token."""
        # In its error state llguidance reports that it stopped, and allows only an end token.
        return not self._is_given_up() and bool(self._matcher.is_stopped())

    def _is_given_up(self) -> bool:
        if not self.failure and self._matcher.is_error():
            self.failure = self._matcher.get_error().partition("\n")[0]
        return bool(self.failure)

    def _without_long_numbers(self, mask: Mask) -> Mask:
        """`mask` without the tokens that make a number too long; text may have any of them."""
        if not self._number.is_near:
            return mask
        pieces = {token: self._llama.piece(token) for token in np.flatnonzero(mask).tolist()}
        is_text = any(piece.startswith(b"x") for piece in pieces.values())
        short = [t for t, piece in pieces.items() if not self._number.is_exceeded_by(piece)]
        if is_text or not short:
            return mask
        limited = np.zeros_like(mask)
        limited[short] = True
        return limited
