"""What a worker asks of a model and of a grammar: llama.cpp and llguidance, or fakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.engine.scheduler import Chunk

Logits: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]


class GrammarError(ValueError):
    """A grammar can't be compiled, or can't be followed any further."""


class Model(Protocol):
    """A loaded model: `slots` sequences share its `cells`, `batch` tokens are read at once."""

    vocab_size: int
    cells: int
    slots: int
    batch: int

    @property
    def forgets_tails(self) -> bool: ...

    def decode(self, chunks: Sequence[Chunk]) -> list[Logits | None]: ...

    def copy(self, source: int, target: int, length: int) -> None: ...

    def forget(self, slot: int, start: int) -> None: ...

    def set_threads(self, count: int) -> None: ...

    def tokenize(self, prompt: Iterable[str | int]) -> list[int]: ...

    def follow(self, parts: Iterable[str | int]) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...

    def ends(self, token: int) -> bool: ...


class Guide(Protocol):
    """Holds one answer to its grammar."""

    def takes(self, token: int) -> bool: ...

    def allows(self, tokens: Sequence[int]) -> bool: ...

    def mask(self) -> Mask: ...

    def forced(self) -> list[int]: ...

    @property
    def is_finished(self) -> bool: ...
