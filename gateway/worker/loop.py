"""The loop of a worker: takes messages, and advances their jobs step by step."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from gateway.engine.engine import EngineStats
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    Cancel,
    Embed,
    Failed,
    FromWorker,
    Generate,
    Reply,
    Tokenize,
    Tokens,
    ToWorker,
)


class Job(Protocol):
    """One request in progress."""

    @property
    def id(self) -> int: ...


JobT = TypeVar("JobT", bound=Job)


class Loop(ABC, Generic[JobT]):
    """Runs the jobs of a model side by side, a forward pass at a time.

    Call `take` with each message, and `step` while it is not idle; post what they return.
    """

    def __init__(self) -> None:
        self._jobs: dict[int, JobT] = {}

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def take(self, message: ToWorker) -> list[FromWorker]:
        """Begin or cancel a job, and return what there is to post at once."""
        match message:
            case Generate() | Embed() | Tokenize():
                try:
                    if isinstance(message, Tokenize):
                        return [Reply(message.id, Tokens(self._tokenize(message.prompt)))]
                    return self._begin(message)
                except Exception as error:
                    return [failed(message.id, error)]
            case Cancel(id):
                if job := self._jobs.get(id):
                    self._cancel(job)
            case EngineOptions():
                raise ValueError("a worker starts only once")
        return []

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
    def _tokenize(self, parts: list[str | int]) -> list[int]: ...

    @abstractmethod
    def _cancel(self, job: JobT) -> None: ...


def failed(id: int, error: Exception) -> Reply:
    """Ends a job because of an internal error; the traceback is logged."""
    traceback.print_exception(error)
    return Reply(id, Failed(f"{type(error).__name__}: {error}"))
