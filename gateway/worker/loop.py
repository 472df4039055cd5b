"""The loop of a worker: takes messages, and advances their jobs step by step."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Generic, Protocol, TypeAlias, TypeVar

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

TokensOfTexts: TypeAlias = list[list[int]]
LONG = 2**12  # characters; tokenizing fewer takes less than a forward pass


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

    @staticmethod
    def is_costly(message: ToWorker) -> bool:
        """Whether `prepare` or compiling a grammar may take longer than a forward pass."""
        match message:
            case Generate(request=request):
                return bool(request.grammar or request.opening) or _size(message) > LONG
            case Embed() | Tokenize():
                return _size(message) > LONG
        return False

    def prepare(self, message: ToWorker) -> TokensOfTexts | None:
        """The tokens of each text of `message` if they are long; other threads may call it."""
        if isinstance(message, Generate | Embed | Tokenize) and _size(message) > LONG:
            with suppress(Exception):  # `take` raises it again
                return self._tokenize_all(message)
        return None

    def take(self, message: ToWorker, tokens: TokensOfTexts | None = None) -> list[FromWorker]:
        """Begin or cancel a job, and return what there is to post at once.

        `tokens` are what `prepare` returned for `message`.
        """
        match message:
            case Generate() | Embed() | Tokenize() | Detokenize():
                try:
                    return self._first_replies(message, tokens)
                except Exception as error:
                    return [failed(message.id, error)]
            case Cancel(id):
                if job := self._jobs.get(id):
                    self._cancel(job)
            case EngineOptions():
                raise ValueError("a worker starts only once")
        return []

    def _first_replies(
        self, message: Generate | Embed | Tokenize | Detokenize, tokens: TokensOfTexts | None
    ) -> list[FromWorker]:
        if isinstance(message, Detokenize):
            return [Reply(message.id, self._pieces(message.tokens))]
        tokens = tokens or self._tokenize_all(message)
        if isinstance(message, Tokenize):
            return [Reply(message.id, Tokens(tokens[0], self._cached(tokens[0])))]
        return self._begin(message, tokens)

    def _tokenize_all(self, message: Generate | Embed | Tokenize) -> TokensOfTexts:
        add_special = message.add_special if isinstance(message, Tokenize) else True
        as_generated = not (isinstance(message, Generate) and message.request.reproducible)
        return [
            self._tokenize(text, add_special=add_special, as_generated=as_generated)
            for text in _texts(message)
        ]

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
    def _begin(self, message: Generate | Embed, tokens: TokensOfTexts) -> list[FromWorker]:
        """Begin a job whose texts have `tokens`."""

    @abstractmethod
    def _tokenize(
        self, parts: list[str | int], *, add_special: bool, as_generated: bool
    ) -> list[int]:
        """The tokens of a prompt, with earlier answers `as_generated` if they are known."""

    @abstractmethod
    def _cached(self, tokens: list[int]) -> int:
        """How many of the first of `tokens` need no computing."""

    @abstractmethod
    def _cancel(self, job: JobT) -> None: ...


def _texts(message: Generate | Embed | Tokenize) -> list[list[str | int]]:
    match message:
        case Generate(_, request):
            return [request.prompt]
        case Tokenize(_, prompt):
            return [prompt]
        case Embed(_, inputs):
            return inputs


def _size(message: Generate | Embed | Tokenize) -> int:
    """The length of all texts of `message` in characters."""
    parts = chain.from_iterable(_texts(message))
    return sum(len(part) for part in parts if isinstance(part, str))


def failed(id: int, error: Exception) -> Reply:
    """Ends a job because of an internal error; the traceback is logged."""
    traceback.print_exception(error)
    return Reply(id, Failed(f"{type(error).__name__}: {error}"))
