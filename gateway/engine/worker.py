"""The child side of the engine: takes jobs, runs them side by side, says what they wrote."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile

from gateway.engine.archive import Archive
from gateway.engine.cache import Cache, common
from gateway.engine.lookup import Lookup
from gateway.engine.messages import (
    Accepted,
    Broken,
    Cancel,
    FromWorker,
    Generate,
    Logprob,
    Missed,
    Piece,
    Refused,
    Start,
    TooLong,
    ToWorker,
)
from gateway.engine.model import GrammarError, Guide, Logits, Model
from gateway.engine.sampler import Sampler, logprob
from gateway.engine.scheduler import Copy, Forget, Move, Restore, Save, Scheduler
from gateway.engine.sequence import Sequence
from gateway.engine.spoken import Spoken
from gateway.engine.text import TextStream
from gateway.engine.threads import Threads
from gateway.engine.watch import Watch


@dataclass(slots=True)
class Job:
    """A request at work: its sequence, and what turns logits into its text.

    `due` are tokens that come next, whatever the model would write; the guide has taken them.
    """

    asked: Generate
    sequence: Sequence
    sampler: Sampler
    guide: Guide | None
    most_tokens: int
    text: TextStream = field(default_factory=TextStream)
    watch: Watch | None = None
    lookup: Lookup | None = None
    due: list[int] = field(default_factory=list)
    was_interrupted: bool = False

    @property
    def goes_ahead(self) -> bool:
        """Whether what is due is written at once. Who asks for odds gets those of each token."""
        return self.asked.fast_forward and self.asked.top_logprobs is None


class Worker:
    """Turns `Generate` messages into `Piece` messages, many at a time.

    `guide` gives the guide for a grammar's text, or raises GrammarError. `clock` is in seconds.
    Without `threads` their number is fixed.
    """

    def __init__(
        self,
        model: Model,
        guide: Callable[[str], Guide],
        archive: Archive | None = None,
        clock: Callable[[], float] = time.monotonic,
        threads: Threads | None = None,
    ):
        self._model = model
        self._guide = guide
        self._clock = clock
        self._archive = archive or Archive()
        self._threads = threads
        cache = Cache(model.slots, model.cells, model.forgets_tails)
        self._scheduler = Scheduler(cache, self._archive, model.batch)
        self._spoken = Spoken()
        self._jobs: dict[int, Job] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Handle one message, and say at once whether a job will be done."""
        match message:
            case Generate():
                try:
                    first = self._begin(message)
                except Exception as error:
                    return [_broken(message.id, error)]
                return [first, *self._begun(message.id)]
            case Cancel(id):
                if id in self._jobs:
                    self._remember(self._jobs[id])
                    self._end(self._jobs[id])
            case Start():
                raise ValueError("a worker starts once")
        return []

    def step(self) -> list[FromWorker]:
        """One forward pass, and what came of it."""
        self._carry_out(self._scheduler.admit())
        plan = self._scheduler.plan()
        self._carry_out(plan.moves)
        self._give_up()
        start_s = self._clock()
        read = list(zip(plan.chunks, self._model.decode(plan.chunks), strict=True))
        took_s = self._clock() - start_s
        self._scheduler.took(plan, took_s)
        self._pace(sum(len(chunk.tokens) for chunk in plan.chunks), took_s)
        jobs = ((self._jobs[chunk.sequence.id], logits) for chunk, logits in read if logits)
        return [post for job, logits in jobs for post in self._advance(job, logits)]

    def close(self) -> None:
        """Keep what has been read for the next worker, if there is a disk."""
        self._carry_out(self._scheduler.close())
        self._archive.close()

    def _carry_out(self, moves: Iterable[Move]) -> None:
        for move in moves:
            match move:
                case Copy(source, slot, length):
                    self._model.copy(source, slot, length)
                case Forget(slot, start):
                    self._model.forget(slot, start)
                case Save(slot, tokens):
                    self._archive.put(tokens, self._model.save(slot))
                case Restore():
                    self._restore(move)

    def _restore(self, move: Restore) -> None:
        data = self._archive.take(move.entry)
        if data is None or not self._model.restore(move.slot, data):
            self._scheduler.lost(move.slot)
        elif move.length < len(move.entry.tokens):
            self._model.forget(move.slot, move.length)

    def _pace(self, tokens: int, seconds: float) -> None:
        """Change the number of threads where a step says that another is better."""
        if self._threads:
            before, count = self._threads.count, self._threads.took(tokens, seconds)
            if count != before:
                self._model.set_threads(count)

    # -- a job's life

    def _begin(self, asked: Generate) -> Accepted | TooLong | Refused:
        tokens = self._model.tokenize(self._spoken.spell(asked.prompt))
        if not tokens:
            return Refused(asked.id, "the prompt is empty")
        room = self._model.cells - len(tokens)
        if room < 1:
            return TooLong(asked.id, len(tokens), self._model.cells)
        try:
            guide = self._guide(asked.grammar) if asked.grammar else None
        except GrammarError as error:
            return Refused(asked.id, str(error), "unsupported_schema")
        sequence = Sequence(asked.id, tokens, self._checkpoints(tokens))
        most = room if asked.max_tokens is None else min(room, asked.max_tokens)
        sampler = Sampler(asked.sampling, self._model.vocab_size, most)
        watch = Watch(asked.interruption) if asked.interruption else None
        guesses = asked.draft_tokens and self._model.forgets_tails
        lookup = Lookup(tokens) if guesses else None
        job = Job(asked, sequence, sampler, guide, most, watch=watch, lookup=lookup)
        self._jobs[asked.id] = job
        self._scheduler.add(sequence)
        return Accepted(asked.id, len(tokens))

    def _begun(self, id: int) -> list[FromWorker]:
        """What an answer begins with whatever the model has to say: that need not wait for it."""
        job = self._jobs.get(id)
        if job is None or not job.goes_ahead:
            return []
        with self._mending(job) as posts:
            job.due = self._inserted(job) + self._forced(job)
            if job.due:
                piece = self._write(job, None)
                posts.append(piece)
                if piece.finish:
                    self._finish(job, piece.finish)
        return posts

    def _advance(self, job: Job, logits: list[Logits]) -> list[FromWorker]:
        """Go on with an answer."""
        if job.sequence.is_over:
            self._end(job)
            return []
        with self._mending(job) as posts:
            posts += self._agreed(job, logits)
        return posts

    @contextmanager
    def _mending(self, job: Job) -> Iterator[list[FromWorker]]:
        """What is wrong with one answer must not hurt the others."""
        posts: list[FromWorker] = []
        try:
            yield posts
        except Exception as error:
            self._end(job)
            posts[:] = [_broken(job.asked.id, error)]

    def _agreed(self, job: Job, logits: list[Logits]) -> list[FromWorker]:
        """Write the next tokens, and those after them for as long as they are the draft's."""
        sequence, draft = job.sequence, job.sequence.draft
        pieces: list[FromWorker] = []
        agreed = 0
        while True:
            length = len(sequence.tokens)
            piece = self._write(job, logits[agreed])
            pieces.append(piece)
            written = sequence.tokens[length:]
            same = common(draft[agreed:], written)
            agreed += same
            if piece.finish or same < len(written):
                break
        self._scheduler.settle(sequence, agreed)
        if piece.finish:
            self._finish(job, piece.finish)
        elif job.lookup:
            sequence.draft = job.lookup.guess(job.asked.draft_tokens)
        return pieces

    def _write(self, job: Job, logits: Logits | None) -> Piece:
        """Take the next tokens, and say what they wrote."""
        drawn = self._next(job, logits)
        tokens = list(takewhile(lambda token: not self._model.ends(token), drawn))
        room = job.most_tokens - job.sequence.generated
        follows = bool(job.due) or job.guide is None or not job.guide.is_finished
        finish = None
        if (len(tokens) < len(drawn) or not follows) and len(tokens) <= room:
            finish = "stop"
        elif len(tokens) >= room:
            tokens, finish = tokens[:room], "length"
        for token in tokens:
            job.sampler.accept(token)
            if job.watch:
                job.watch.feed(self._model.piece(token))
        job.sequence.tokens += tokens
        return self._piece(job, tokens, finish, self._odds(job, logits, tokens))

    def _next(self, job: Job, logits: Logits | None) -> list[int]:
        """What is due, or else a token that is drawn and all that must follow it."""
        if not job.due and logits is not None:
            job.due = self._inserted(job) or [self._draw(job, logits)]
            if not self._model.ends(job.due[-1]):
                job.due += self._forced(job)
        most = len(job.due) if job.goes_ahead else 1
        tokens, job.due = job.due[:most], job.due[most:]
        return tokens

    def _forced(self, job: Job) -> list[int]:
        return job.guide.forced() if job.guide else []

    def _inserted(self, job: Job) -> list[int]:
        """What interrupts the answer, if anything."""
        if not (job.watch and job.watch.is_due and job.text.is_whole):
            return []
        tokens = self._interruption(job)
        job.was_interrupted = job.was_interrupted or bool(tokens)
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

    def _odds(self, job: Job, logits: Logits | None, tokens: list[int]) -> list[Logprob]:
        most = job.asked.top_logprobs
        if most is None or logits is None:
            return []
        return [logprob(logits, token, most, self._model.piece) for token in tokens]

    def _piece(self, job: Job, tokens: list[int], finish: str | None, odds: list[Logprob]) -> Piece:
        text = job.text.feed(b"".join(map(self._model.piece, tokens)))
        if finish:
            text += job.text.close()
        return Piece(
            job.asked.id,
            text,
            len(tokens),
            job.sequence.cached,
            finish,
            odds,
            job.was_interrupted,
            self._missed(job.sequence),
        )

    def _missed(self, sequence: Sequence) -> Missed | None:
        """Why no more of the prompt was cached, once."""
        miss, sequence.miss = sequence.miss, None
        if miss is None:
            return None
        ours = sequence.tokens[miss.at : miss.at + len(miss.held)]
        return Missed(miss.at, self._text(miss.held), self._text(ours))

    def _text(self, tokens: Iterable[int]) -> str:
        return b"".join(map(self._model.piece, tokens)).decode(errors="replace")

    def _remember(self, job: Job) -> None:
        tokens = job.sequence.tokens[job.sequence.prompt_length :]
        model = self._model
        written = (token if model.is_special(token) else model.piece(token) for token in tokens)
        self._spoken.keep(job.asked.prompt, tokens, written)

    def _checkpoints(self, tokens: list[int]) -> list[int]:
        """Where the first turn and the last two end, if what is saved later holds for no others."""
        if self._archive.forgets_tails or not self._archive.is_open:
            return []
        ends = [at for at, token in enumerate(tokens[:-1], 1) if self._model.ends(token)]
        return sorted({*ends[:1], *ends[-2:]})

    def _finish(self, job: Job, why: str) -> None:
        self._remember(job)
        job.sequence.is_over = True
        if why != "stop" or job.sequence.pending < 2:  # one is as soon read with the next prompt
            self._end(job)

    def _give_up(self) -> None:
        """What is over and had to make room will not be read again."""
        for job in [*self._jobs.values()]:
            if job.sequence.is_over and job.sequence.slot is None:
                self._end(job)

    def _end(self, job: Job) -> None:
        self._scheduler.remove(job.sequence)
        job.sampler.close()
        del self._jobs[job.asked.id]


def _broken(id: int, error: Exception) -> Broken:
    traceback.print_exception(error)
    return Broken(id, f"{type(error).__name__}: {error}")
