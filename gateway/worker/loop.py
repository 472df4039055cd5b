"""The child side of the engine: takes jobs, runs them side by side, says what they wrote."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from gateway.engine.engine import EngineStats
from gateway.engine.generation import Accepted, Delta, Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    Cancel,
    Failed,
    FromWorker,
    Generate,
    PromptTooLong,
    Rejected,
    Reply,
    ToWorker,
)
from gateway.worker.generation import Job
from gateway.worker.interfaces import GrammarError, Guide, Logits, Model
from gateway.worker.sampling.token_history import Spoken
from gateway.worker.scheduler.batch_plan import Copy, Forget, Move, Restore, Save
from gateway.worker.scheduler.cache_offload import Archive
from gateway.worker.scheduler.prefix_cache import Cache
from gateway.worker.scheduler.scheduler import Scheduler
from gateway.worker.scheduler.sequence import Sequence
from gateway.worker.stats import Counts
from gateway.worker.thread_tuner import Threads


class Worker:
    """Turns `Generate` messages into `Delta` replies, many at a time.

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
        counts: Counts | None = None,
    ):
        self._counts = counts or Counts()
        self._model = model
        self._guide = guide
        self._clock = clock
        self._archive = archive or Archive()
        self._threads = threads
        self._cache = Cache(model.slots, model.cells, model.forgets_tails)
        self._scheduler = Scheduler(self._cache, self._archive, model.batch)
        self._spoken = Spoken()
        self._jobs: dict[int, Job] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Handle one message, and say at once whether a job will be done."""
        match message:
            case Generate(id, request):
                try:
                    first = Reply(id, self._begin(id, request))
                except Exception as error:
                    return [_failed(id, error)]
                return [first, *self._begun(id)]
            case Cancel(id):
                if id in self._jobs:
                    self._remember(self._jobs[id])
                    self._end(self._jobs[id])
            case EngineOptions():
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
        self._counts.steps += 1
        self._scheduler.took(plan, took_s)
        self._pace(sum(len(chunk.tokens) for chunk in plan.chunks), took_s)
        jobs = ((self._jobs[chunk.sequence.id], logits) for chunk, logits in read if logits)
        return [post for job, logits in jobs for post in self._advance(job, logits)]

    def stats(self) -> EngineStats:
        counts, scheduler = self._counts, self._scheduler
        return EngineStats(
            running=len(self._jobs) - scheduler.waiting,
            waiting=scheduler.waiting,
            kv_cells_used=self._cache.used,
            idle_prefixes=sum(bool(slot.tokens) for slot in self._cache.idle()),
            steps=counts.steps,
            tokens=counts.tokens,
            masks=counts.masks,
            mask_s=counts.mask_s,
        )

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

    def _begin(self, id: int, asked: Generation) -> Accepted | PromptTooLong | Rejected:
        last = self._model.vocab_size - 1
        if not all(0 <= part <= last for part in asked.prompt if isinstance(part, int)):
            return Rejected(f"a token is beyond the vocabulary, which ends at {last}")
        tokens = self._model.tokenize(self._spoken.spell(asked.prompt))
        if not tokens:
            return Rejected("the prompt is empty")
        room = self._model.cells - len(tokens)
        if room < 1:
            return PromptTooLong(len(tokens), self._model.cells)
        try:
            guide = self._guide(asked.grammar) if asked.grammar else None
        except GrammarError as error:
            return Rejected(str(error), "unsupported_schema")
        sequence = Sequence(id, tokens, self._checkpoints(tokens))
        most = room if asked.max_tokens is None else min(room, asked.max_tokens)
        job = Job(asked, sequence, self._model, guide, most)
        self._jobs[id] = job
        self._scheduler.add(sequence)
        return Accepted(len(tokens), self._text(asked.prompt) if asked.echo else "")

    def _text(self, prompt: Iterable[str | int]) -> str:
        pieces = (self._model.piece(p) if isinstance(p, int) else p.encode() for p in prompt)
        return b"".join(pieces).decode(errors="replace")

    def _begun(self, id: int) -> list[FromWorker]:
        """What is said of an answer before the model has read anything."""
        job = self._jobs.get(id)
        if job is None:
            return []
        with self._mending(job) as posts:
            if piece := job.begin():
                self._say(posts, job, [piece])
                if piece.finish:
                    self._finish(job, piece.finish)
        return posts

    def _advance(self, job: Job, logits: list[Logits]) -> list[FromWorker]:
        """Go on with an answer."""
        if job.sequence.is_over:
            self._end(job)
            return []
        with self._mending(job) as posts:
            pieces, agreed = job.go_on(logits)
            self._say(posts, job, pieces)
            self._scheduler.settle(job.sequence, agreed)
            if why := pieces[-1].finish:
                self._finish(job, why)
            else:
                job.guess()
        return posts

    def _say(self, posts: list[FromWorker], job: Job, pieces: list[Delta]) -> None:
        for piece in pieces:
            posts.append(Reply(job.sequence.id, piece))
            self._counts.tokens += piece.tokens

    @contextmanager
    def _mending(self, job: Job) -> Iterator[list[FromWorker]]:
        """What is wrong with one answer must not hurt the others."""
        posts: list[FromWorker] = []
        try:
            yield posts
        except GrammarError as error:
            self._end(job)
            posts[:] = [Reply(job.sequence.id, Rejected(str(error), "unsupported_schema"))]
        except Exception as error:
            self._end(job)
            posts[:] = [_failed(job.sequence.id, error)]

    def _remember(self, job: Job) -> None:
        tokens = job.sequence.tokens[job.sequence.prompt_length :]
        self._spoken.keep(job.asked.prompt, tokens, job.written)

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
        job.close()
        del self._jobs[job.sequence.id]


def _failed(id: int, error: Exception) -> Reply:
    traceback.print_exception(error)
    return Reply(id, Failed(f"{type(error).__name__}: {error}"))
