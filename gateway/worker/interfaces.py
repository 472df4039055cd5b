"""What a loop needs of a model and of a grammar: llama.cpp and llguidance, or fakes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.worker.scheduler.batch_plan import BatchItem

Logits: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]


class GrammarError(ValueError):
    """A grammar can't be compiled, or contradicts itself."""


class Vocabulary(Protocol):
    """Text to tokens and back."""

    vocab_size: int

    def tokenize(
        self, prompt: Iterable[str | int | list[int]], *, add_special: bool = True
    ) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...


class Model(Vocabulary, Protocol):
    """A model that generates text: `slots` sequences share a KV cache of `kv_cells` cells.

    A batch has at most `batch_size` tokens. Unless it `can_truncate`, a slot loses all its tokens
    or none. If it `is_reproducible`, the logits of a token depend on the tokens before it, and on
    the order of their cells, and on nothing else.
    """

    kv_cells: int
    slots: int
    batch_size: int
    is_reproducible: bool

    @property
    def can_truncate(self) -> bool: ...

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]: ...

    def copy(self, source: int, target: int, length: int) -> None: ...

    def truncate(self, slot: int, length: int) -> None: ...

    def set_threads(self, count: int) -> None: ...

    def save(self, slot: int) -> bytearray: ...

    def restore(self, slot: int, data: bytearray) -> bool: ...

    def tokenize_continuation(self, parts: Iterable[str | int]) -> list[int]: ...

    def is_end(self, token: int) -> bool: ...

    def is_special(self, token: int) -> bool: ...


class Encoder(Vocabulary, Protocol):
    """A model that embeds texts: up to `slots` of them, of `batch_size` tokens in all, at once."""

    slots: int
    batch_size: int

    @property
    def max_input_tokens(self) -> int: ...

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]: ...

    def suffix_tokens(self) -> list[int]: ...


class GrammarMatcher(Protocol):
    """Holds one answer to its grammar, until a `failure` of the grammar, which is a reason."""

    failure: str

    def try_accept(self, token: int) -> bool: ...

    def can_accept(self, tokens: Sequence[int]) -> bool: ...

    def can_end_with(self, tokens: Sequence[int]) -> bool: ...

    def mask(self) -> Mask: ...

    def accept_forced(self) -> list[int]: ...

    @property
    def is_finished(self) -> bool: ...
