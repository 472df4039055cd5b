"""The tokens of one forward pass, laid out as `llama_decode` takes them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp as lib

from gateway.engine.scheduler import Chunk


class Batch:
    """Room for `most` tokens. `filled` is what llama.cpp reads; the next `fill` changes it."""

    def __init__(self, most: int):
        numbers = ctypes.c_int32 * most
        self._tokens, self._positions, self._slots = numbers(), numbers(), numbers()
        self._wanted = (ctypes.c_int8 * most)()
        # Each token has a list of slots that share it; these are lists of one.
        at = ctypes.addressof(self._slots)
        lists = (ctypes.POINTER(ctypes.c_int32) * most)(
            *(ctypes.cast(at + 4 * i, ctypes.POINTER(ctypes.c_int32)) for i in range(most))
        )
        self.filled = lib.llama_batch(
            token=self._tokens,
            pos=self._positions,
            n_seq_id=numbers(*[1] * most),
            seq_id=lists,
            logits=self._wanted,
        )

    def fill(self, chunks: Sequence[Chunk]) -> None:
        at = 0
        for chunk in chunks:
            for position, token in enumerate(chunk.tokens, chunk.start):
                self._tokens[at] = token
                self._positions[at] = position
                self._slots[at] = chunk.slot
                self._wanted[at] = 0
                at += 1
            for i in range(at - chunk.logits, at):
                self._wanted[i] = 1
        self.filled.n_tokens = at
