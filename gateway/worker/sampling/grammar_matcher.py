"""Grammar text -> which tokens may come next."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from llguidance import LLMatcher
from llguidance.llamacpp import lltokenizer_from_vocab

from gateway.engine.protocol import Generate, ToWorker
from gateway.grammar.bounds import LIMITS, refusal
from gateway.lru import LRUCache
from gateway.worker.interfaces import GrammarError, Mask
from gateway.worker.llama.model import Llama
from gateway.worker.stats import Counts

MOST_KEPT = 4 * 2**20  # characters of compiled grammars; each takes about 80 bytes


class Grammars:
    """Compiles grammars for one vocabulary and keeps the latest by content."""

    def __init__(self, llama: Llama, counts: Counts | None = None):
        self._llama = llama
        self._counts = counts or Counts()
        with warnings.catch_warnings():
            # llguidance calls llama.cpp by names that its bindings have since deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            # This takes 0.3 s for 49,000 tokens.
            self._tokenizer = lltokenizer_from_vocab(llama.vocab, eos_token=llama.end_tokens())
        self._kept: LRUCache[LLMatcher | GrammarError] = LRUCache(MOST_KEPT)

    def matcher(self, grammar: str) -> Matcher:
        """A matcher at the start of `grammar`; raises GrammarError with llguidance's reason."""
        matcher = self._kept.get(grammar)
        if matcher is None:
            matcher = self._kept[grammar] = self._compile(grammar)
        if isinstance(matcher, GrammarError):
            raise GrammarError(*matcher.args)
        return Matcher(matcher.deep_copy(), self._llama, self._counts)

    def prepare(self, message: ToWorker) -> None:
        """Compile what `message` asks for. That may take a second, in which others go on."""
        if isinstance(message, Generate) and message.request.grammar:
            with suppress(GrammarError):  # who asks again is told
                self.matcher(message.request.grammar)

    def _compile(self, grammar: str) -> LLMatcher | GrammarError:
        if reason := refusal(grammar):
            return GrammarError(reason)
        matcher = LLMatcher(
            self._tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0, limits=LIMITS
        )
        return GrammarError(matcher.get_error()) if matcher.is_error() else matcher


class Matcher:
    """Follows one answer through its grammar; raises GrammarError if llguidance gives up."""

    def __init__(self, matcher: LLMatcher, llama: Llama, counts: Counts):
        self._matcher = matcher
        self._llama = llama
        self._counts = counts

    def takes(self, token: int) -> bool:
        """Go on with `token`, if the grammar allows it."""
        if self._llama.ends(token):
            # llguidance doesn't consume an end token, not even one that stands in the grammar.
            return bool(self._matcher.is_accepting() or self.mask()[token])
        return bool(self._matcher.try_consume_tokens([token]))

    def allows(self, tokens: Sequence[int]) -> bool:
        """Whether the grammar goes on with all of `tokens`; none is taken."""
        return bool(self._matcher.validate_tokens(list(tokens)) == len(tokens))

    def mask(self) -> Mask:
        """True for each token that may come next; shape (vocabulary,)."""
        start_s = time.perf_counter()
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._counts.mask_s += time.perf_counter() - start_s
        self._counts.masks += 1
        self._check()
        return np.unpackbits(bits, bitorder="little")[: self._llama.vocab_size].view(np.bool_)

    def forced(self) -> list[int]:
        """The tokens that alone can come next; they count as taken."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        taken = self._matcher.try_consume_tokens(tokens) if tokens else 0
        return tokens[:taken]

    @property
    def is_finished(self) -> bool:
        """Nothing more may come."""
        self._check()
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        # In its error state llguidance says that it has stopped and allows only an end token.
        if self._matcher.is_error():
            reason = self._matcher.get_error().partition("\n")[0]
            raise GrammarError(f"the grammar can't be followed any further: {reason}")
