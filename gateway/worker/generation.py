"""One request at work: from logits to the next of its text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from gateway.chat.events import Logprob
from gateway.engine.generation import CacheMiss, Delta, Generation
from gateway.worker.interfaces import GrammarError, Guide, Logits, Model
from gateway.worker.sampling.detokenizer import TextStream
from gateway.worker.sampling.prompt_lookup import Lookup
from gateway.worker.sampling.sampler import Sampler, logprob
from gateway.worker.sampling.thinking_watch import Watch
from gateway.worker.scheduler.prefix_cache import common
from gateway.worker.scheduler.sequence import Sequence


class Job:
    """Writes the answer to `asked`, of at most `most_tokens`, behind the prompt in `sequence`."""

    def __init__(
        self,
        asked: Generation,
        sequence: Sequence,
        model: Model,
        guide: Guide | None,
        most_tokens: int,
    ):
        self.asked = asked
        self.sequence = sequence
        self._model = model
        self._guide = guide
        self._most_tokens = most_tokens
        self._sampler = Sampler(asked.sampling, model.vocab_size, most_tokens)
        self._text = TextStream()
        self._watch = Watch(asked.interruption) if asked.interruption else None
        guesses = asked.draft_tokens and model.forgets_tails
        self._lookup = Lookup(sequence.tokens) if guesses else None
        # What comes next, whatever the model would write; the guide has taken it.
        self._due: list[int] = []
        self._was_interrupted = False
        self._sampled = 0

    def begin(self) -> Delta | None:
        """What an answer begins with whatever the model has to say: that need not wait for it."""
        if not self._goes_ahead:
            return None
        self._due = self._inserted() + self._forced()
        return self._write(None) if self._due else None

    def go_on(self, logits: list[Logits]) -> tuple[list[Delta], int]:
        """Write the next tokens, and those after them for as long as they are the draft's.

        `logits` come after what has been read, and after each token of the draft. Says too how
        much of that was written.
        """
        sequence, draft = self.sequence, self.sequence.draft
        pieces: list[Delta] = []
        agreed = 0
        while True:
            length = len(sequence.tokens)
            pieces.append(self._write(logits[agreed]))
            written = sequence.tokens[length:]
            same = common(draft[agreed:], written)
            agreed += same
            if pieces[-1].finish or same < len(written):
                return pieces, agreed

    def guess(self) -> None:
        """Draft what may come next."""
        if self._lookup:
            self.sequence.draft = self._lookup.guess(self.asked.draft_tokens)

    @property
    def written(self) -> Iterable[bytes | int]:
        """The answer: its tokens' bytes, and the numbers of special ones."""
        model = self._model
        tokens = self.sequence.tokens[self.sequence.prompt_length :]
        return (token if model.is_special(token) else model.piece(token) for token in tokens)

    def close(self) -> None:
        self._sampler.close()

    # -- which tokens

    def _write(self, logits: Logits | None) -> Delta:
        """Take the next tokens, and say what they wrote."""
        sampled = self._sampled
        drawn = self._next(logits)
        tokens = list(takewhile(lambda token: not self._model.ends(token), drawn))
        room = self._most_tokens - self.sequence.generated
        follows = bool(self._due) or self._guide is None or not self._guide.is_finished
        finish = None
        if (len(tokens) < len(drawn) or not follows) and len(tokens) <= room:
            finish = "stop"
        elif len(tokens) >= room:
            tokens, finish = tokens[:room], "length"
        for token in tokens:
            self._sampler.accept(token)
            if self._watch:
                self._watch.feed(self._model.piece(token))
        self.sequence.tokens += tokens
        forced = max(0, len(tokens) - (self._sampled - sampled))
        return self._piece(tokens, forced, finish, self._odds(logits, tokens))

    def _next(self, logits: Logits | None) -> list[int]:
        """What is due, or else a token that is drawn and all that must follow it."""
        if not self._due and logits is not None:
            self._due = self._inserted() or [self._draw(logits)]
            if not self._model.ends(self._due[-1]):
                self._due += self._forced()
        most = len(self._due) if self._goes_ahead else 1
        tokens, self._due = self._due[:most], self._due[most:]
        return tokens

    @property
    def _goes_ahead(self) -> bool:
        """Whether what is due is written at once. Who asks for odds gets those of each token."""
        return self.asked.fast_forward and self.asked.top_logprobs is None

    def _forced(self) -> list[int]:
        return self._guide.forced() if self._guide else []

    def _inserted(self) -> list[int]:
        """What interrupts the answer, if anything."""
        if not (self._watch and self._watch.is_due and self._text.is_whole):
            return []
        tokens = self._interruption()
        self._was_interrupted = self._was_interrupted or bool(tokens)
        if self._guide and not all(map(self._guide.takes, tokens)):
            raise GrammarError(f"the grammar allowed {tokens}, then refused them")
        return tokens

    def _interruption(self) -> list[int]:
        """The tokens to insert; none where the grammar does not allow them, or not yet."""
        assert self.asked.interruption
        tokens = self._model.follow(self.asked.interruption.insert)
        return tokens if self._guide is None or self._guide.allows(tokens) else []

    def _draw(self, logits: Logits) -> int:
        self._sampled += 1
        token = self._sampler.draw(logits)
        if self._guide is None or self._guide.takes(token):
            return token
        # Masking only after a miss draws from the same distribution, and most draws hit.
        token = self._sampler.draw(logits, self._guide.mask())
        if not self._guide.takes(token):
            raise GrammarError(f"the grammar's mask allowed token {token}, then refused it")
        return token

    # -- what is said of them

    def _odds(self, logits: Logits | None, tokens: list[int]) -> tuple[Logprob, ...]:
        most = self.asked.top_logprobs
        if most is None or logits is None:
            return ()
        return tuple(logprob(logits, token, most, self._model.piece) for token in tokens)

    def _piece(
        self, tokens: list[int], forced: int, finish: str | None, odds: tuple[Logprob, ...]
    ) -> Delta:
        text = self._text.feed(b"".join(map(self._model.piece, tokens)))
        if finish:
            text += self._text.close()
        return Delta(
            text,
            len(tokens),
            self.sequence.cached,
            finish,
            odds,
            self._was_interrupted,
            self._missed(),
            forced,
        )

    def _missed(self) -> CacheMiss | None:
        """Why no more of the prompt was cached, once."""
        sequence = self.sequence
        miss, sequence.miss = sequence.miss, None
        if miss is None:
            return None
        return CacheMiss(miss.at, self._said(miss.held), self._said(miss.asked))

    def _said(self, tokens: Iterable[int]) -> str:
        return b"".join(map(self._model.piece, tokens)).decode(errors="replace")
