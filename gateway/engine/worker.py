"""The child process: drain the inbox, step, post. `python -m gateway.engine.worker`.

Messages come in on standard input and go out on what standard output was at the start; the
worker ends when its input does, so it never outlives the gateway.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO

from gateway.engine.cache import Cache
from gateway.engine.llama import MOST_BATCH, MOST_SEQUENCES, Llama, LoadError, Logits
from gateway.engine.matcher import GrammarError, Grammars, Matcher
from gateway.engine.messages import (
    LENGTH,
    Accepted,
    BadGrammar,
    Cancel,
    Failed,
    FromWorker,
    Generate,
    Logprob,
    Piece,
    Start,
    TooLong,
    ToWorker,
    pack,
    unpack_to_worker,
)
from gateway.engine.sampler import Sampler, logprob
from gateway.engine.scheduler import Chunk, Copy, Forget, Scheduler
from gateway.engine.sequence import Sequence
from gateway.engine.text import TextStream


@dataclass(slots=True)
class Job:
    """A request at work: its sequence, and what turns logits into its text."""

    asked: Generate
    sequence: Sequence
    sampler: Sampler
    matcher: Matcher | None
    most_tokens: int
    text: TextStream = field(default_factory=TextStream)


class Worker:
    """Turns `Generate` messages into `Piece` messages, many at a time."""

    def __init__(self, llama: Llama):
        self._llama = llama
        self._grammars = Grammars(llama)
        cache = Cache(MOST_SEQUENCES, llama.cells, llama.forgets_tails)
        self._scheduler = Scheduler(cache, batch=MOST_BATCH)
        self._jobs: dict[int, Job] = {}

    @property
    def is_idle(self) -> bool:
        return self._scheduler.is_idle

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Handle one message, and say at once whether a job will be done."""
        match message:
            case Generate():
                return [self._begin(message)]
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
                    self._llama.copy(source, slot, length)
                case Forget(slot, start):
                    self._llama.forget(slot, start)
        read = zip(plan.chunks, self._llama.decode(plan.chunks), strict=True)
        return [self._advance(chunk, logits) for chunk, logits in read if logits is not None]

    # -- a job's life

    def _begin(self, asked: Generate) -> Accepted | TooLong | BadGrammar:
        tokens = self._llama.tokenize(asked.prompt)
        room = self._llama.cells - len(tokens)
        if room < 1:
            return TooLong(asked.id, len(tokens), self._llama.cells)
        try:
            matcher = self._grammars.matcher(asked.grammar) if asked.grammar else None
        except GrammarError as error:
            return BadGrammar(asked.id, str(error))
        sequence = Sequence(asked.id, tokens)
        most = min(room, asked.max_tokens or room)
        sampler = Sampler(asked.sampling, self._llama.vocab_size, most)
        self._jobs[asked.id] = Job(asked, sequence, sampler, matcher, most)
        self._scheduler.add(sequence)
        return Accepted(asked.id, len(tokens))

    def _advance(self, chunk: Chunk, logits: Logits) -> Piece:
        """Draw the next token, take those that follow of themselves, and say what it wrote."""
        job = self._jobs[chunk.sequence.id]
        token = self._draw(job, logits)
        odds = self._odds(job, logits, token)
        if self._llama.ends(token):
            return self._piece(job, [], "stop", odds)
        tokens = [token]
        if job.matcher:
            tokens += job.matcher.forced()
        room = job.most_tokens - chunk.sequence.generated
        finish = None
        if len(tokens) >= room:
            tokens, finish = tokens[:room], "length"
        if job.matcher and job.matcher.is_finished and len(tokens) <= room:
            finish = "stop"
        for token in tokens:
            job.sampler.accept(token)
        chunk.sequence.tokens += tokens
        return self._piece(job, tokens, finish, odds)

    def _draw(self, job: Job, logits: Logits) -> int:
        token = job.sampler.draw(logits)
        if job.matcher is None or job.matcher.takes(token):
            return token
        # Masking only after a miss draws from the same distribution, and most draws hit.
        token = job.sampler.draw(logits, job.matcher.mask())
        if not job.matcher.takes(token):
            raise RuntimeError(f"the grammar's mask allowed token {token}, then refused it")
        return token

    def _odds(self, job: Job, logits: Logits, token: int) -> list[Logprob]:
        most = job.asked.top_logprobs
        return [] if most is None else [logprob(logits, token, most, self._llama.piece)]

    def _piece(self, job: Job, tokens: list[int], finish: str | None, odds: list[Logprob]) -> Piece:
        text = job.text.feed(b"".join(map(self._llama.piece, tokens)))
        if finish:
            text += job.text.close()
            self._end(job)
        cached = job.sequence.cached
        return Piece(job.asked.id, text, len(tokens), cached, finish, odds)

    def _end(self, job: Job) -> None:
        self._scheduler.remove(job.sequence)
        job.sampler.close()
        del self._jobs[job.asked.id]


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the gateway's to handle
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    inbox: SimpleQueue[ToWorker | None] = SimpleQueue()
    Thread(target=_fill, args=(inbox, sys.stdin.buffer), daemon=True).start()
    start = inbox.get()
    assert isinstance(start, Start)
    try:
        llama = Llama(start)
    except LoadError as error:
        outbox.write(pack([Failed(str(error))]))
        return
    outbox.write(pack([llama.describe()]))
    if not start.vocabulary_only:
        _serve(Worker(llama), inbox, outbox)


def _serve(worker: Worker, inbox: SimpleQueue[ToWorker | None], outbox: BinaryIO) -> None:
    while True:
        posts: list[FromWorker] = []
        for message in _arrived(inbox, wait=worker.is_idle):
            if message is None:
                return
            posts += worker.take(message)
        if not worker.is_idle:
            posts += worker.step()
        if posts:
            outbox.write(pack(posts))


def _arrived(inbox: SimpleQueue[ToWorker | None], *, wait: bool) -> Iterator[ToWorker | None]:
    if wait:
        yield inbox.get()
    while True:
        try:
            yield inbox.get_nowait()
        except Empty:
            return


def _fill(inbox: SimpleQueue[ToWorker | None], pipe: BinaryIO) -> None:
    while head := pipe.read(LENGTH.size):
        for message in unpack_to_worker(pipe.read(*LENGTH.unpack(head))):
            inbox.put(message)
    inbox.put(None)


if __name__ == "__main__":
    main()
