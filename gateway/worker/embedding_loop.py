"""The loop of a model that makes embeddings: a batch holds texts of several jobs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from gateway.engine.engine import EngineStats
from gateway.engine.generation import Embeddings
from gateway.engine.protocol import Embed, FromWorker, Generate, Rejected, Reply
from gateway.worker.interfaces import Encoder, Vector
from gateway.worker.loop import Loop, TokensOfTexts, failed


@dataclass(slots=True, eq=False)
class EmbeddingJob:
    """The tokenized texts of a request, and the vectors of the first of them."""

    id: int
    texts: list[list[int]]
    vectors: list[bytes] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(map(len, self.texts))

    @property
    def is_done(self) -> bool:
        return len(self.vectors) == len(self.texts)


class EmbeddingLoop(Loop[EmbeddingJob]):
    """Turns `Embed` messages into `Embeddings` replies."""

    def __init__(self, model: Encoder):
        super().__init__(model)
        self._model = model
        self._suffix = model.suffix_tokens()

    def stats(self) -> EngineStats:
        return EngineStats(running=len(self._jobs))

    def step(self) -> list[FromWorker]:
        """Embed one batch of texts, and return the results of the jobs that are done."""
        batch = self._next_batch()
        try:
            vectors = self._model.embed([text for _, text in batch])
        except Exception as error:
            return [self._fail(job, error) for job in dict.fromkeys(job for job, _ in batch)]
        for (job, _), vector in zip(batch, vectors, strict=True):
            job.vectors.append(_normalized(vector))
            self._jobs[job.id] = self._jobs.pop(job.id)  # jobs that had no turn come first
        return [self._end(job) for job in list(self._jobs.values()) if job.is_done]

    def close(self) -> None:
        """Nothing outlives the worker."""

    # -- the life of a job

    def _begin(self, message: Generate | Embed, tokens: TokensOfTexts) -> list[FromWorker]:
        if isinstance(message, Generate):
            reason = "this model makes embeddings and generates no text"
            return [Reply(message.id, Rejected(reason))]
        for i, text in enumerate(tokens, message.first):
            if rejected := self._rejected(f"input {i}", text):
                return [Reply(message.id, rejected)]
        job = EmbeddingJob(message.id, tokens)
        if not tokens:
            return [Reply(job.id, Embeddings([], 0))]
        self._jobs[job.id] = job
        return []

    def _cancel(self, job: EmbeddingJob) -> None:
        del self._jobs[job.id]

    def _tokenize(
        self, parts: list[str | int], *, add_special: bool, as_generated: bool
    ) -> list[int]:
        tokens = self._model.tokenize(parts, add_special=add_special)
        suffix = self._suffix if add_special else []
        return tokens if tokens[len(tokens) - len(suffix) :] == suffix else tokens + suffix

    def _cached(self, tokens: list[int]) -> int:
        return 0

    def _rejected(self, name: str, text: list[int]) -> Rejected | None:
        if not text:
            return Rejected(f"{name} is empty")
        last = self._model.vocab_size - 1
        if not all(0 <= token <= last for token in text):
            return Rejected(f"{name} has a token id beyond the vocabulary, 0 to {last}")
        if len(text) > self._model.max_input_tokens:
            return Rejected(
                f"{name} has {len(text)} tokens; at most {self._model.max_input_tokens} are"
                " allowed. Shorten it, or raise `llama.ubatch_size` and `context` in models.yaml,"
                " up to the context that the model was trained with",
                "context_length_exceeded",
            )
        return None

    def _next_batch(self) -> list[tuple[EmbeddingJob, list[int]]]:
        """The texts of the next forward pass: one of each job in turn, so that no job starves."""
        batch: list[tuple[EmbeddingJob, list[int]]] = []
        room = self._model.batch_size
        turns = deque((job, iter(job.texts[len(job.vectors) :])) for job in self._jobs.values())
        while turns and len(batch) < self._model.slots:
            job, texts = turns.popleft()
            text = next(texts, None)
            if text is None or len(text) > room:
                continue
            batch.append((job, text))
            room -= len(text)
            turns.append((job, texts))
        return batch

    def _end(self, job: EmbeddingJob) -> Reply:
        del self._jobs[job.id]
        return Reply(job.id, Embeddings(job.vectors, job.tokens))

    def _fail(self, job: EmbeddingJob, error: Exception) -> Reply:
        del self._jobs[job.id]
        return failed(job.id, error)


def _normalized(vector: Vector) -> bytes:
    """`vector` at length 1, like llama-server's."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype("<f4").tobytes()
