"""The child side of a model that makes vectors: takes jobs, reads their texts side by side."""

from __future__ import annotations

import traceback
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from gateway.engine.engine import EngineStats
from gateway.engine.generation import Embeddings
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    Cancel,
    Embed,
    Failed,
    FromWorker,
    Generate,
    Rejected,
    Reply,
    ToWorker,
)
from gateway.worker.interfaces import Encoder, Vector


@dataclass(slots=True, eq=False)
class Job:
    """A request at work: its texts in tokens, and the vectors of those that are read."""

    id: int
    texts: list[list[int]]
    vectors: list[bytes] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(map(len, self.texts))


class Embedder:
    """Turns `Embed` messages into `Embeddings` replies; each pass reads texts of all jobs."""

    def __init__(self, model: Encoder):
        self._model = model
        self._closing = model.closing()
        self._jobs: dict[int, Job] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Handle one message, and say at once if nothing will come of it."""
        match message:
            case Embed():
                return self._begin(message)
            case Generate(id):
                return [Reply(id, Rejected("this model makes embeddings and writes no text"))]
            case Cancel(id):
                self._jobs.pop(id, None)
            case EngineOptions():
                raise ValueError("a worker starts once")
        return []

    def stats(self) -> EngineStats:
        return EngineStats(running=len(self._jobs))

    def step(self) -> list[FromWorker]:
        """One forward pass, and the jobs that are done with it."""
        chosen = self._choose()
        try:
            vectors = self._model.embed([text for _, text in chosen])
        except Exception as error:
            return [self._break(job, error) for job in dict.fromkeys(job for job, _ in chosen)]
        for (job, _), vector in zip(chosen, vectors, strict=True):
            job.vectors.append(_unit(vector))
            self._jobs[job.id] = self._jobs.pop(job.id)  # who was not served goes first
        return [self._end(job) for job in list(self._jobs.values()) if _is_done(job)]

    # -- a job's life

    def _begin(self, asked: Embed) -> list[FromWorker]:
        texts = [self._spell(text) for text in asked.inputs]
        for i, text in enumerate(texts):
            if reason := self._fault(text):
                return [Reply(asked.id, Rejected(f"input {i} {reason}"))]
        job = Job(asked.id, texts)
        if not texts:
            return [Reply(job.id, Embeddings([], 0))]
        self._jobs[job.id] = job
        return []

    def _spell(self, text: list[str | int]) -> list[int]:
        tokens = self._model.tokenize(text)
        end = self._closing
        return tokens if tokens[len(tokens) - len(end) :] == end else tokens + end

    def _fault(self, text: list[int]) -> str | None:
        if not text:
            return "is empty"
        if not all(0 <= token < self._model.vocab_size for token in text):
            return f"has a token beyond the vocabulary, which ends at {self._model.vocab_size - 1}"
        if len(text) > self._model.longest:
            return (
                f"has {len(text)} tokens, and {self._model.longest} are read at once; shorten it,"
                " or raise `llama.ubatch_size` and `context` in models.yaml, as far as the model"
                " was trained to read"
            )
        return None

    def _choose(self) -> list[tuple[Job, list[int]]]:
        """The texts of the next pass: one of each job in turn, so that none waits for long."""
        chosen: list[tuple[Job, list[int]]] = []
        room = self._model.batch
        turns = deque((job, iter(job.texts[len(job.vectors) :])) for job in self._jobs.values())
        while turns and len(chosen) < self._model.slots:
            job, texts = turns.popleft()
            text = next(texts, None)
            if text is None or len(text) > room:
                continue
            chosen.append((job, text))
            room -= len(text)
            turns.append((job, texts))
        return chosen

    def _end(self, job: Job) -> Reply:
        del self._jobs[job.id]
        return Reply(job.id, Embeddings(job.vectors, job.tokens))

    def _break(self, job: Job, error: Exception) -> Reply:
        traceback.print_exception(error)
        del self._jobs[job.id]
        return Reply(job.id, Failed(f"{type(error).__name__}: {error}"))


def _is_done(job: Job) -> bool:
    return len(job.vectors) == len(job.texts)


def _unit(vector: Vector) -> bytes:
    """`vector` at length 1, as llama-server gives it."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype("<f4").tobytes()
