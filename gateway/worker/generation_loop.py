"""The loop of a model that generates text: continuous batching over one KV cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from gateway.engine.engine import EngineStats
from gateway.engine.generation import Accepted, Delta, Generation
from gateway.engine.protocol import Embed, FromWorker, Generate, PromptTooLong, Rejected, Reply
from gateway.worker.generation import GenerationJob
from gateway.worker.interfaces import GrammarError, GrammarMatcher, Logits, Model
from gateway.worker.loop import Loop, TokensOfTexts, failed
from gateway.worker.sampling.token_history import TokenHistory
from gateway.worker.scheduler.batch_plan import CacheOp, Copy, Move, Restore, Save, Truncate
from gateway.worker.scheduler.cache_offload import CacheOffload
from gateway.worker.scheduler.prefix_cache import PrefixCache
from gateway.worker.scheduler.scheduler import Scheduler
from gateway.worker.scheduler.sequence import Sequence, State
from gateway.worker.stats import StatsCounters
from gateway.worker.thread_tuner import ThreadTuner


class GenerationLoop(Loop[GenerationJob]):
    """Turns `Generate` messages into `Delta` replies, many at a time.

    `matcher` returns a matcher for the text of a grammar, or raises GrammarError. `clock` is in
    seconds. Without a `thread_tuner` the number of threads is fixed.
    """

    def __init__(
        self,
        model: Model,
        matcher: Callable[[str], GrammarMatcher],
        offload: CacheOffload | None = None,
        clock: Callable[[], float] = time.monotonic,
        thread_tuner: ThreadTuner | None = None,
        counters: StatsCounters | None = None,
    ):
        super().__init__(model)
        self._counters = counters or StatsCounters()
        self._model = model
        self._matcher = matcher
        self._clock = clock
        self._offload = offload or CacheOffload()
        self._thread_tuner = thread_tuner
        if thread_tuner:
            model.set_threads(thread_tuner.begin())
        self._cache = PrefixCache(model.slots, model.kv_cells, model.can_truncate)
        self._scheduler = Scheduler(
            self._cache, self._offload, model.batch_size, in_order=model.is_reproducible
        )
        self._history = TokenHistory()

    def step(self) -> list[FromWorker]:
        """Run one forward pass, and return what it adds to the answers."""
        self._apply(self._scheduler.admit())
        plan = self._scheduler.plan()
        self._apply(plan.cache_ops)
        for sequence in plan.dropped:
            self._end(self._jobs[sequence.id])
        start_s = self._clock()
        logits = self._model.decode(plan.items)
        step_s = self._clock() - start_s
        self._counters.steps += 1
        self._scheduler.record(plan, step_s)
        if self._thread_tuner:
            self._tune_threads(self._thread_tuner, plan.tokens, step_s)
        posts: list[FromWorker] = []
        for item, rows in zip(plan.items, logits, strict=True):
            if rows:
                posts += self._advance(self._jobs[item.sequence.id], rows)
        return posts

    def stats(self) -> EngineStats:
        counters, waiting = self._counters, self._scheduler.waiting
        return EngineStats(
            running=len(self._jobs) - waiting,
            waiting=waiting,
            kv_cells_used=self._cache.used_cells,
            idle_prefixes=sum(bool(slot.tokens) for slot in self._cache.idle_slots()),
            steps=counters.steps,
            tokens=counters.tokens,
            masks=counters.masks,
            mask_s=counters.mask_s,
        )

    def close(self) -> None:
        """Save the cached prefixes for the next worker, if there is a disk cache."""
        self._apply(self._scheduler.close())
        self._offload.close()

    # -- the KV cache and the threads

    def _apply(self, ops: Iterable[CacheOp]) -> None:
        for op in ops:
            match op:
                case Copy(source, slot, length):
                    self._model.copy(source, slot, length)
                case Truncate(slot, length):
                    self._model.truncate(slot, length)
                case Save(slot, tokens):
                    self._offload.put(tokens, self._model.save(slot))
                case Restore():
                    self._restore(op)
                case Move(slots):
                    self._move(slots)

    def _restore(self, op: Restore) -> None:
        data = self._offload.take(op.prefix)
        if data is None or not self._model.restore(op.slot, data):
            self._scheduler.restore_failed(op.slot)
        elif op.length < len(op.prefix.tokens):
            self._model.truncate(op.slot, op.length)

    def _move(self, slots: list[int]) -> None:
        saved = [self._model.save(slot) for slot in slots]
        for slot in slots:
            self._model.truncate(slot, 0)
        for slot, data in zip(slots, saved, strict=True):
            if not self._model.restore(slot, data):
                raise RuntimeError(f"there were no cells to move sequence {slot} to")

    def _tune_threads(self, tuner: ThreadTuner, tokens: int, step_s: float) -> None:
        """Change the number of threads if another one is faster."""
        before, count = tuner.count, tuner.record(tokens, step_s)
        if count != before:
            self._model.set_threads(count)

    # -- the life of a job

    def _begin(self, message: Generate | Embed, tokens: TokensOfTexts) -> list[FromWorker]:
        if isinstance(message, Embed):
            reason = "this model generates text and makes no embeddings"
            return [Reply(message.id, Rejected(reason))]
        first = Reply(message.id, self._accept(message.id, message.request, tokens[0]))
        job = self._jobs.get(message.id)
        return [first, *self._start(job)] if job else [first]

    def _accept(
        self, id: int, request: Generation, tokens: list[int]
    ) -> Accepted | PromptTooLong | Rejected:
        """Add a job, unless the request is at fault."""
        if fault := self._unknown_token(request.prompt):
            return Rejected(fault)
        if not tokens:
            return Rejected("the prompt is empty")
        room = self._model.kv_cells - len(tokens)
        if room < 1:
            return PromptTooLong(len(tokens), self._model.kv_cells)
        try:
            matcher = self._matcher(request.grammar) if request.grammar else None
            other = request.fallback.grammar
            fallback = self._matcher(other) if matcher and other else None
            opening = partial(self._matcher, request.opening.grammar) if request.opening else None
        except GrammarError as error:
            return Rejected(str(error), "unsupported_schema")
        sequence = Sequence(id, tokens, self._checkpoints(tokens))
        max_tokens = room if request.max_tokens is None else min(room, request.max_tokens)
        job = GenerationJob(request, sequence, self._model, matcher, max_tokens, fallback, opening)
        self._jobs[id] = job
        self._offload.refresh()
        self._scheduler.add(sequence)
        return Accepted(len(tokens), self._text(request.prompt) if request.echo else "")

    def _start(self, job: GenerationJob) -> list[FromWorker]:
        """Emit the tokens that an answer starts with before any forward pass."""
        try:
            delta = job.start()
            return self._posts(job, [delta]) if delta else []
        except Exception as error:
            return [self._abort(job, error)]

    def _advance(self, job: GenerationJob, logits: list[Logits]) -> list[FromWorker]:
        """Continue an answer with the logits of a step."""
        if job.sequence.state is State.FINISHING:
            self._end(job)
            return []
        try:
            deltas, accepted = job.advance(logits)
            if job.sequence.draft:
                self._scheduler.accept_draft(job.sequence, accepted)
            if not deltas[-1].finish:
                job.draft()
            return self._posts(job, deltas)
        except Exception as error:
            return [self._abort(job, error)]

    def _posts(self, job: GenerationJob, deltas: list[Delta]) -> list[FromWorker]:
        for delta in deltas:
            self._counters.tokens += delta.tokens
        if finish := deltas[-1].finish:
            self._finish(job, finish)
        return [Reply(job.id, delta) for delta in deltas]

    def _abort(self, job: GenerationJob, error: Exception) -> Reply:
        """End one job because of an error; the others go on."""
        self._end(job)
        if isinstance(error, GrammarError):
            return Reply(job.id, Rejected(str(error), "unsupported_schema"))
        return failed(job.id, error)

    def _finish(self, job: GenerationJob, finish: str) -> None:
        self._record(job)
        self._scheduler.finish(job.sequence)
        # A single pending token costs the next prompt no more than it would cost here.
        if finish != "stop" or job.sequence.pending < 2:
            self._end(job)

    def _cancel(self, job: GenerationJob) -> None:
        self._record(job)
        self._end(job)

    def _end(self, job: GenerationJob) -> None:
        self._scheduler.remove(job.sequence)
        job.close()
        del self._jobs[job.id]

    # -- prompts

    def _tokenize(
        self, parts: list[str | int], *, add_special: bool, as_generated: bool
    ) -> list[int]:
        restored = self._history.restore(parts) if as_generated else parts
        return self._model.tokenize(restored, add_special=add_special)

    def _cached(self, tokens: list[int]) -> int:
        return self._scheduler.cached(tokens)

    def _record(self, job: GenerationJob) -> None:
        """Remember the tokens of an answer for the prompts that repeat it.

        A reproducible answer does not depend on what was asked before.
        """
        if job.request.reproducible:
            return
        tokens = job.sequence.tokens[job.sequence.prompt_length :]
        self._history.record(job.request.prompt, tokens, job.generated_parts)

    def _text(self, prompt: Iterable[str | int]) -> str:
        pieces = (self._model.piece(p) if isinstance(p, int) else p.encode() for p in prompt)
        return b"".join(pieces).decode(errors="replace")

    def _checkpoints(self, tokens: list[int]) -> list[int]:
        """The ends of the first turn and of the last two, for saves that can't be truncated.

        Other prompts are likely to share the prefix up to one of these.
        """
        if self._offload.can_truncate or not self._offload.is_enabled:
            return []
        ends = [at for at, token in enumerate(tokens[:-1], 1) if self._model.is_end(token)]
        return sorted({*ends[:1], *ends[-2:]})
