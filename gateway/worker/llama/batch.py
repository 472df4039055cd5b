"""The `llama_batch` of a step: allocated once, and filled for each `llama_decode`."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp as lib

from gateway.worker.scheduler.batch_plan import BatchItem


class Batch:
    """A batch of up to `max_tokens` tokens. `filled` is the `llama_batch`; `fill` overwrites it.

    A slot has `seqs_per_slot` sequence ids of llama.cpp: its own number, and each `slots` further.
    """

    def __init__(self, max_tokens: int, slots: int, seqs_per_slot: int = 1):
        numbers = ctypes.c_int32 * max_tokens
        self._tokens, self._positions = numbers(), numbers()
        self._seq_ids = (ctypes.c_int32 * (max_tokens * seqs_per_slot))()
        self._slots, self._seqs_per_slot = slots, seqs_per_slot
        self._logits = (ctypes.c_int8 * max_tokens)()
        # llama_batch has a pointer to the list of sequence ids of each token.
        at, size = ctypes.addressof(self._seq_ids), 4 * seqs_per_slot
        lists = (ctypes.POINTER(ctypes.c_int32) * max_tokens)(
            *(ctypes.cast(at + size * i, ctypes.POINTER(ctypes.c_int32)) for i in range(max_tokens))
        )
        self.filled = lib.llama_batch(
            token=self._tokens,
            pos=self._positions,
            n_seq_id=numbers(*[seqs_per_slot] * max_tokens),
            seq_id=lists,
            logits=self._logits,
        )

    def fill(self, items: Sequence[BatchItem]) -> None:
        at = 0
        for item in items:
            for position, token in enumerate(item.tokens, item.start):
                self._tokens[at] = token
                self._positions[at] = position
                for i in range(self._seqs_per_slot):
                    self._seq_ids[at * self._seqs_per_slot + i] = item.slot + i * self._slots
                self._logits[at] = 0
                at += 1
            for i in range(at - item.logits, at):
                self._logits[i] = 1
        self.filled.n_tokens = at
