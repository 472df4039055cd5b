"""What a worker asks of a model and of a grammar: llama.cpp and llguidance, or fakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.worker.scheduler.batch_plan import Chunk

Logits: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]
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

    def decode(self, chunks: Sequence[Chunk]) -> list[list[Logits]]: ...

    def copy(self, source: int, target: int, length: int) -> None: ...

    def forget(self, slot: int, start: int) -> None: ...

    def set_threads(self, count: int) -> None: ...

    def save(self, slot: int) -> bytearray: ...

    def restore(self, slot: int, data: bytearray) -> bool: ...

    def tokenize(self, prompt: Iterable[str | int | list[int]]) -> list[int]: ...

    def follow(self, parts: Iterable[str | int]) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...

    def ends(self, token: int) -> bool: ...

    def is_special(self, token: int) -> bool: ...


class Encoder(Protocol):
    """A loaded model that reads up to `slots` texts of together `batch` tokens at once."""

    vocab_size: int
    slots: int
    batch: int

    @property
    def longest(self) -> int: ...

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]: ...

    def tokenize(self, prompt: Iterable[str | int]) -> list[int]: ...

    def closing(self) -> list[int]: ...


class Guide(Protocol):
    """Holds one answer to its grammar."""

    def takes(self, token: int) -> bool: ...

    def allows(self, tokens: Sequence[int]) -> bool: ...

    def mask(self) -> Mask: ...

    def forced(self) -> list[int]: ...

    @property
    def is_finished(self) -> bool: ...
