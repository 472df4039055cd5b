"""The child side of the engine: takes jobs, runs them side by side, says what they wrote."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from gateway.engine.cache import Cache
from gateway.engine.messages import (
    Accepted,
    Broken,
    Cancel,
    FromWorker,
    Generate,
    Logprob,
    Piece,
    Refused,
    Start,
    TooLong,
    ToWorker,
)
from gateway.engine.model import GrammarError, Guide, Logits, Model
from gateway.engine.sampler import Sampler, logprob
from gateway.engine.scheduler import Copy, Forget, Scheduler
from gateway.engine.sequence import Sequence
from gateway.engine.text import TextStream
from gateway.engine.threads import Threads
from gateway.engine.watch import Watch


@dataclass(slots=True)
class Job:
    """A request at work: its sequence, and what turns logits into its text.

    `due` are tokens that are written next, whatever the model would write.
    """

    asked: Generate
    sequence: Sequence
    sampler: Sampler
    guide: Guide | None
    most_tokens: int
    text: TextStream = field(default_factory=TextStream)
    watch: Watch | None = None
    due: list[int] = field(default_factory=list)
    was_interrupted: bool = False


class Worker:
    """Turns `Generate` messages into `Piece` messages, many at a time.

    `guide` gives the guide for a grammar's text, or raises GrammarError. Without `threads` their
    number is fixed.
    """

    def __init__(
        self,
        model: Model,
        guide: Callable[[str], Guide],
        clock: Callable[[], float] = time.monotonic,
        threads: Threads | None = None,
    ):
        self._model = model
        self._guide = guide
        self._clock = clock
        self._threads = threads
        cache = Cache(model.slots, model.cells, model.forgets_tails)
        self._scheduler = Scheduler(cache, model.batch)
        self._jobs: dict[int, Job] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Handle one message, and say at once whether a job will be done."""
        match message:
            case Generate():
                try:
                    return [self._begin(message)]
                except Exception as error:
                    return [_broken(message.id, error)]
            case Cancel(id):
                if id in self._jobs:
                    self._end(self._jobs[id])
            case Start():
                raise ValueError("a worker starts once")
        return []

    def step(self) -> list[FromWorker]:
        """One forward pass, and what came of it."""
        plan = self._scheduler.plan()
        for move in plan.moves:
            match move:
                case Copy(source, slot, length):
                    self._model.copy(source, slot, length)
                case Forget(slot, start):
                    self._model.forget(slot, start)
        began_s = self._clock()
        read = zip(plan.chunks, self._model.decode(plan.chunks), strict=True)
        self._pace(sum(len(chunk.tokens) for chunk in plan.chunks), self._clock() - began_s)
        return [
            self._advance(self._jobs[chunk.sequence.id], logits)
            for chunk, logits in read
            if logits is not None
        ]

    def _pace(self, tokens: int, seconds: float) -> None:
        """Change the number of threads where a step says that another is better."""
        if self._threads:
            before, count = self._threads.count, self._threads.took(tokens, seconds)
            if count != before:
                self._model.set_threads(count)

    # -- a job's life

    def _begin(self, asked: Generate) -> Accepted | TooLong | Refused:
        tokens = self._model.tokenize(asked.prompt)
        if not tokens:
            return Refused(asked.id, "the prompt is empty")
        room = self._model.cells - len(tokens)
        if room < 1:
            return TooLong(asked.id, len(tokens), self._model.cells)
        try:
            guide = self._guide(asked.grammar) if asked.grammar else None
        except GrammarError as error:
            return Refused(asked.id, str(error), "unsupported_schema")
        sequence = Sequence(asked.id, tokens)
        most = room if asked.max_tokens is None else min(room, asked.max_tokens)
        sampler = Sampler(asked.sampling, self._model.vocab_size, most)
        watch = Watch(asked.interruption) if asked.interruption else None
        self._jobs[asked.id] = Job(asked, sequence, sampler, guide, most, watch=watch)
        self._scheduler.add(sequence)
        return Accepted(asked.id, len(tokens))

    def _advance(self, job: Job, logits: Logits) -> Piece | Broken:
        """Go one step on with an answer; what is wrong with it must not hurt the others."""
        try:
            return self._write(job, logits)
        except Exception as error:
            self._end(job)
            return _broken(job.asked.id, error)

    def _write(self, job: Job, logits: Logits) -> Piece:
        """Take the next tokens, and say what they wrote."""
        drawn = self._inserted(job) or [self._draw(job, logits)]
        drawn += self._forced(job, drawn[-1])
        tokens = list(takewhile(lambda token: not self._model.ends(token), drawn))
        room = job.most_tokens - job.sequence.generated
        is_whole = len(tokens) < len(drawn) or (job.guide is not None and job.guide.is_finished)
        finish = None
        if is_whole and len(tokens) <= room:
            finish = "stop"
        elif len(tokens) >= room:
            tokens, finish = tokens[:room], "length"
        for token in tokens:
            job.sampler.accept(token)
            if job.watch:
                job.watch.feed(self._model.piece(token))
        job.sequence.tokens += tokens
        return self._piece(job, tokens, finish, self._odds(job, logits, tokens))

    def _inserted(self, job: Job) -> list[int]:
        """What interrupts the answer, if anything: one by one for who asks for odds."""
        if not job.due and job.watch and job.watch.is_due and job.text.is_whole:
            job.due = self._interruption(job)
            job.was_interrupted = job.was_interrupted or bool(job.due)
        most = len(job.due) if job.asked.top_logprobs is None else 1
        tokens, job.due = job.due[:most], job.due[most:]
        if job.guide and not all(map(job.guide.takes, tokens)):
            raise GrammarError(f"the grammar allowed {tokens}, then refused them")
        return tokens

    def _interruption(self, job: Job) -> list[int]:
        """The tokens to insert; none where the grammar does not allow them, or not yet."""
        assert job.asked.interruption
        tokens = self._model.follow(job.asked.interruption.insert)
        return tokens if job.guide is None or job.guide.allows(tokens) else []

    def _draw(self, job: Job, logits: Logits) -> int:
        token = job.sampler.draw(logits)
        if job.guide is None or job.guide.takes(token):
            return token
        # Masking only after a miss draws from the same distribution, and most draws hit.
        token = job.sampler.draw(logits, job.guide.mask())
        if not job.guide.takes(token):
            raise GrammarError(f"the grammar's mask allowed token {token}, then refused it")
        return token

    def _forced(self, job: Job, drawn: int) -> list[int]:
        """What must follow. A forced token has no odds, so who asks for odds gets none forced."""
        if job.guide is None or not job.asked.fast_forward or job.asked.top_logprobs is not None:
            return []
        return [] if self._model.ends(drawn) else job.guide.forced()

    def _odds(self, job: Job, logits: Logits, tokens: list[int]) -> list[Logprob]:
        most = job.asked.top_logprobs
        if most is None:
            return []
        return [logprob(logits, token, most, self._model.piece) for token in tokens]

    def _piece(self, job: Job, tokens: list[int], finish: str | None, odds: list[Logprob]) -> Piece:
        text = job.text.feed(b"".join(map(self._model.piece, tokens)))
        if finish:
            text += job.text.close()
            self._end(job)
        cached = job.sequence.cached
        return Piece(job.asked.id, text, len(tokens), cached, finish, odds, job.was_interrupted)

    def _end(self, job: Job) -> None:
        self._scheduler.remove(job.sequence)
        job.sampler.close()
        del self._jobs[job.asked.id]


def _broken(id: int, error: Exception) -> Broken:
    traceback.print_exception(error)
    return Broken(id, f"{type(error).__name__}: {error}")
