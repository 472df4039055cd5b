"""One generation job: samples tokens from logits and turns them into text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.chat.events import Logprob
from gateway.engine.generation import CacheMiss, Delta, Generation, Opened, TokenDetail
from gateway.worker.interfaces import GrammarError, GrammarMatcher, Logits, Model
from gateway.worker.sampling.detokenizer import Detokenizer
from gateway.worker.sampling.fallback_matcher import FallbackMatcher
from gateway.worker.sampling.opening_watch import OpeningWatch
from gateway.worker.sampling.prompt_lookup import PromptLookup
from gateway.worker.sampling.sampler import Sampler, logprob, probability
from gateway.worker.sampling.thinking_watch import ThinkingWatch
from gateway.worker.scheduler.prefix_cache import common_length
from gateway.worker.scheduler.sequence import PrefixMiss, Sequence


class GenerationJob:
    """Generates the answer to `request`, at most `max_tokens`, after the prompt in `sequence`.

    Without a `matcher` the text is free. `opening` returns a matcher of the request's `Opening`.
    `close` frees the sampler.
    """

    def __init__(
        self,
        request: Generation,
        sequence: Sequence,
        model: Model,
        matcher: GrammarMatcher | None,
        max_tokens: int,
        fallback: GrammarMatcher | None = None,
        opening: Callable[[], GrammarMatcher] | None = None,
    ):
        self.id = sequence.id
        self.request = request
        self.sequence = sequence
        self._model = model
        self._matcher = matcher
        self._fallback = FallbackMatcher(fallback) if fallback else None
        self._endings = request.fallback.endings
        self._opening = (
            OpeningWatch(request.opening, opening, model.piece)
            if request.opening and opening
            else None
        )
        self._max_tokens = max_tokens
        self._sampler = Sampler(request.sampling, model.vocab_size, max_tokens)
        self._detokenizer = Detokenizer()
        self._watch = ThinkingWatch(request.interruption) if request.interruption else None
        is_speculative = request.draft_tokens and model.can_truncate
        self._lookup = PromptLookup(sequence.tokens) if is_speculative else None
        self._due: list[int] = []  # the next tokens, which the matcher has accepted already
        self._was_interrupted = False
        self._is_complete = False  # no more tokens are generated
        self._sampled = 0  # number of sampled tokens; the others are forced or inserted

    def start(self) -> Delta | None:
        """The tokens that the answer starts with whatever the logits are, if no one needs these."""
        self._due = self._interruption() + self._forced()
        return self._emit(None) if self._due and self._is_fast_forward else None

    def advance(self, logits: list[Logits]) -> tuple[list[Delta], int]:
        """The next tokens, as far as the draft is right; and the number of its tokens that are.

        `logits` are those after the last token, then those after each draft token.
        """
        sequence, draft = self.sequence, self.sequence.draft
        if not draft:
            return [self._emit(logits[0])], 0
        deltas: list[Delta] = []
        accepted = 0
        while True:
            length = len(sequence.tokens)
            deltas.append(self._emit(logits[accepted]))
            added = sequence.tokens[length:]
            agreed = common_length(draft[accepted:], added)
            accepted += agreed
            if deltas[-1].finish or agreed < len(added):
                return deltas, accepted

    def draft(self) -> None:
        """Draft the tokens that the next step verifies."""
        if self._lookup:
            self.sequence.draft = self._lookup.draft(self.request.draft_tokens)

    @property
    def generated_parts(self) -> Iterable[bytes | int]:
        """The generated tokens: their bytes, and the ids of special ones."""
        model = self._model
        tokens = self._generated_tokens
        return (token if model.is_special(token) else model.piece(token) for token in tokens)

    @property
    def _generated_tokens(self) -> list[int]:
        return self.sequence.tokens[self.sequence.prompt_length :]

    def close(self) -> None:
        self._sampler.close()

    # -- tokens

    def _emit(self, logits: Logits | None) -> Delta:
        """Append the next tokens to the sequence, and return what they add to the answer."""
        sampled = self._sampled
        if self._opening and logits is not None:
            self._opening.weigh(logits)
        tokens = self._next_tokens(logits)
        added = self._before_end(tokens)
        room = self._max_tokens - self.sequence.generated
        is_finished = self._matcher is not None and self._matcher.is_finished
        goes_on = bool(self._due) or not (self._is_complete or is_finished)
        finish = None
        if (len(added) < len(tokens) or not goes_on) and len(added) <= room:
            finish = "stop"
        elif len(added) >= room:
            added, finish = added[:room], "length"
        for token in added:
            self._sampler.accept(token)
            if self._watch:
                self._watch.feed(self._model.piece(token))
        self.sequence.tokens += added
        opening = self._follow_opening(tokens, finish) if self._opening else None
        return self._delta(added, self._sampled - sampled, finish, logits, opening)

    def _before_end(self, tokens: list[int]) -> list[int]:
        """The tokens before the first end token."""
        for at, token in enumerate(tokens):
            if self._model.is_end(token):
                return tokens[:at]
        return tokens

    def _next_tokens(self, logits: Logits | None) -> list[int]:
        """The tokens that are due, or else a sampled token and those forced after it."""
        if not self._due and logits is not None:
            self._due = self._interruption() or self._sample(logits)
            if self._matcher and not (self._is_complete or self._model.is_end(self._due[-1])):
                self._due += self._forced()
        due = self._due
        if len(due) == 1 or self._is_fast_forward:
            self._due = []
            return due
        self._due = due[1:]
        return due[:1]

    @property
    def _is_fast_forward(self) -> bool:
        """Whether all tokens that are due are emitted at once; not if each needs its logits."""
        needs_logits = self.request.top_logprobs is not None or self._opening is not None
        return self.request.fast_forward and not needs_logits

    def _forced(self) -> list[int]:
        return self._matcher.accept_forced() if self._matcher else []

    def _interruption(self) -> list[int]:
        """The tokens to insert if the thinking budget is used up and the grammar allows them."""
        if not (self._watch and self._watch.is_due and self._detokenizer.is_between_characters):
            return []
        assert self.request.interruption
        tokens = self._model.tokenize_continuation(self.request.interruption.insert)
        if self._matcher and not self._matcher.can_accept(tokens):
            return []
        self._was_interrupted = self._was_interrupted or bool(tokens)
        if self._matcher and not all(map(self._matcher.try_accept, tokens)):
            raise GrammarError(f"the grammar allowed tokens {tokens}, then rejected them")
        return tokens

    def _sample(self, logits: Logits) -> list[int]:
        """The token that the model draws, or what follows if the grammar does not allow it."""
        token = self._draw(logits, self._opening) if self._opening else self._sampler.sample(logits)
        if self._matcher is None or self._matcher.try_accept(token):
            self._sampled += 1
            return [token]
        fallback = self._fallback and self._fallback.at(self._generated_tokens)
        if fallback is None and (ending := self._ending()) is not None:
            self._is_complete = True
            return ending
        # Sampling again with the mask gives the same distribution as masking at once. Most tokens
        # are accepted, so few masks are computed.
        token = self._sampler.sample(logits, (fallback or self._matcher).mask())
        if fallback is None and (ending := self._ending_within(token)) is not None:
            self._is_complete = True
            return ending
        self._sampled += 1
        if not self._matcher.try_accept(token):
            raise GrammarError(f"the grammar's mask allowed token {token}, then rejected it")
        return [token]

    def _draw(self, logits: Logits, opening: OpeningWatch) -> int:
        """The token that the model draws; a threshold of the opening may forbid the first."""
        token = self._sampler.sample(logits)
        mask = opening.mask_for(token)
        if mask is not None and self._matcher:
            mask = mask & self._matcher.mask()
        return self._sampler.sample(logits, mask) if mask is not None and mask.any() else token

    def _ending_within(self, token: int) -> list[int] | None:
        """The tokens that complete the answer after a part of `token`, if it may end there.

        Where calls are items of a list, one token may close a call and lead to another, which the
        model has not drawn.
        """
        text = self._model.piece(token).decode(errors="ignore")
        endings = (self._ending(text[:length]) for length in range(1, len(text)))
        return next((ending for ending in endings if ending is not None), None)

    def _ending(self, before: str = "") -> list[int] | None:
        """The tokens that complete the answer after the text `before`, if it may end there."""
        assert self._matcher
        for parts in self._endings:
            given = [before, *parts] if before else parts
            tokens = self._model.tokenize_continuation(given) if given else []
            if self._matcher.can_end_with(tokens) and all(map(self._matcher.try_accept, tokens)):
                return tokens
        return None

    def _follow_opening(self, tokens: list[int], finish: str | None) -> Opened | None:
        """Follow the answer's opening; what there is to tell if this decides it."""
        watch = self._opening
        if watch is None:
            return None
        for token in tokens:
            watch.record(token)
        if not (watch.is_decided or finish):
            return None
        self._opening = None
        if watch.threshold is not None and not watch.has_begun:
            self._hold_to_fallback()
        return Opened(watch.probability, watch.has_begun)

    def _hold_to_fallback(self) -> None:
        """Continue the answer with the grammar of the fallback alone."""
        matcher = self._fallback and self._fallback.at([*self._generated_tokens, *self._due])
        if matcher:
            self._matcher, self._fallback, self._endings = matcher, None, []

    # -- output

    def _logprobs(self, logits: Logits | None, tokens: list[int]) -> tuple[Logprob, ...]:
        top = self.request.top_logprobs
        if top is None or logits is None:
            return ()
        return tuple(logprob(logits, token, top, self._model.piece) for token in tokens)

    def _delta(
        self,
        tokens: list[int],
        sampled: int,
        finish: str | None,
        logits: Logits | None,
        opening: Opened | None,
    ) -> Delta:
        """What `tokens` add to the answer; the first `sampled` were sampled, from `logits`."""
        sequence = self.sequence
        texts = [self._detokenizer.feed(self._model.piece(token)) for token in tokens]
        rest = self._detokenizer.close() if finish else ""
        return Delta(
            "".join(texts) + rest,
            len(tokens),
            sequence.cached_tokens,
            finish,
            self._logprobs(logits, tokens),
            self._was_interrupted,
            self._cache_miss(sequence.prefix_miss) if sequence.prefix_miss else None,
            max(0, len(tokens) - sampled),
            opening,
            self._matcher.failure if self._matcher else "",
            self._details(tokens, texts, sampled, logits) if self.request.token_details else (),
        )

    def _details(
        self, tokens: list[int], texts: list[str], sampled: int, logits: Logits | None
    ) -> tuple[TokenDetail, ...]:
        return tuple(
            TokenDetail(
                token,
                text,
                self._model.is_special(token),
                at >= sampled,
                probability(logits, token) if logits is not None and at == 0 else None,
            )
            for at, (token, text) in enumerate(zip(tokens, texts, strict=True))
        )

    def _cache_miss(self, miss: PrefixMiss) -> CacheMiss:
        """Why no more of the prompt was cached; reported once."""
        self.sequence.prefix_miss = None
        return CacheMiss(miss.position, self._text(miss.cached), self._text(miss.prompt))

    def _text(self, tokens: Iterable[int]) -> str:
        return b"".join(map(self._model.piece, tokens)).decode(errors="replace")
