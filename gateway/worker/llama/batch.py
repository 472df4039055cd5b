"""The tokens of one forward pass, laid out as `llama_decode` takes them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp as lib

from gateway.worker.scheduler.batch_plan import Chunk


class Batch:
    """Room for `most` tokens. `filled` is what llama.cpp reads; the next `fill` changes it.

    `sharers` of llama.cpp's sequences share the cells of each of `slots`: the slot's own, and then
    every `slots`-th.
    """

    def __init__(self, most: int, slots: int, sharers: int = 1):
        numbers = ctypes.c_int32 * most
        self._tokens, self._positions = numbers(), numbers()
        self._sequences = (ctypes.c_int32 * (most * sharers))()
        self._slots, self._sharers = slots, sharers
        self._wanted = (ctypes.c_int8 * most)()
        # Each token has a list of sequences.
        at, size = ctypes.addressof(self._sequences), 4 * sharers
        lists = (ctypes.POINTER(ctypes.c_int32) * most)(
            *(ctypes.cast(at + size * i, ctypes.POINTER(ctypes.c_int32)) for i in range(most))
        )
        self.filled = lib.llama_batch(
            token=self._tokens,
            pos=self._positions,
            n_seq_id=numbers(*[sharers] * most),
            seq_id=lists,
            logits=self._wanted,
        )

    def fill(self, chunks: Sequence[Chunk]) -> None:
        at = 0
        for chunk in chunks:
            for position, token in enumerate(chunk.tokens, chunk.start):
                self._tokens[at] = token
                self._positions[at] = position
                for i in range(self._sharers):
                    self._sequences[at * self._sharers + i] = chunk.slot + i * self._slots
                self._wanted[at] = 0
                at += 1
            for i in range(at - chunk.logits, at):
                self._wanted[i] = 1
        self.filled.n_tokens = at
