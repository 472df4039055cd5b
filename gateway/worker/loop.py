"""The loop of a worker: takes messages, and advances their jobs step by step."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from gateway.engine.engine import EngineStats
from gateway.engine.generation import Tokens
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    Cancel,
    Detokenize,
    Embed,
    Failed,
    FromWorker,
    Generate,
    Pieces,
    Rejected,
    Reply,
    Tokenize,
    ToWorker,
)
from gateway.worker.interfaces import Vocabulary


class Job(Protocol):
    """One request in progress."""

    @property
    def id(self) -> int: ...


JobT = TypeVar("JobT", bound=Job)


class Loop(ABC, Generic[JobT]):
    """Runs the jobs of a model side by side, a forward pass at a time.

    Call `take` with each message, and `step` while it is not idle; post what they return.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._jobs: dict[int, JobT] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Begin or cancel a job, and return what there is to post at once."""
        match message:
            case Generate() | Embed() | Tokenize() | Detokenize():
                try:
                    return self._first_replies(message)
                except Exception as error:
                    return [failed(message.id, error)]
            case Cancel(id):
                if job := self._jobs.get(id):
                    self._cancel(job)
            case EngineOptions():
                raise ValueError("a worker starts only once")
        return []

    def _first_replies(self, message: Generate | Embed | Tokenize | Detokenize) -> list[FromWorker]:
        match message:
            case Tokenize(id, prompt, add_special):
                tokens = self._tokenize(prompt, add_special=add_special)
                return [Reply(id, Tokens(tokens, self._cached(tokens)))]
            case Detokenize(id, tokens):
                return [Reply(id, self._pieces(tokens))]
            case Generate() | Embed():
                return self._begin(message)

    def _pieces(self, tokens: Sequence[int]) -> Pieces | Rejected:
        if fault := self._unknown_token(tokens):
            return Rejected(fault)
        return Pieces([self._vocabulary.piece(token) for token in tokens])

    def _unknown_token(self, prompt: Sequence[str | int]) -> str:
        """Says that a token id in `prompt` does not exist; "" if all do."""
        last = self._vocabulary.vocab_size - 1
        are_known = all(0 <= part <= last for part in prompt if isinstance(part, int))
        return "" if are_known else f"a token id is beyond the vocabulary, 0 to {last}"

    @abstractmethod
    def step(self) -> list[FromWorker]:
        """Run one forward pass, and return what it adds to the jobs."""

    @abstractmethod
    def stats(self) -> EngineStats: ...

    @abstractmethod
    def close(self) -> None:
        """Save what outlives the worker."""

    @abstractmethod
    def _begin(self, message: Generate | Embed) -> list[FromWorker]: ...

    @abstractmethod
    def _tokenize(self, parts: list[str | int], *, add_special: bool = True) -> list[int]: ...

    @abstractmethod
    def _cached(self, tokens: list[int]) -> int:
        """How many of the first of `tokens` need no computing."""

    @abstractmethod
    def _cancel(self, job: JobT) -> None: ...


def failed(id: int, error: Exception) -> Reply:
    """Ends a job because of an internal error; the traceback is logged."""
    traceback.print_exception(error)
    return Reply(id, Failed(f"{type(error).__name__}: {error}"))
