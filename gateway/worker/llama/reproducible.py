"""Settings of llama.cpp with which logits depend on the text alone, and a check that they do.

llama.cpp adds numbers up in an order that depends on the kernel, and chooses the kernel by how many
tokens it computes at once. On a CPU these settings leave one kernel for each operation:

- Flash attention goes over the cells in one pass. If K and V are both f16, or both f32, it would
  split the cells between threads (one token, 512 cells), or into tiles (64 tokens). Source:
  ggml_compute_forward_flash_attn_ext_f16.
- A matrix product is computed row by row. K-quants would be computed in tiles (8 tokens), repacked
  weights in groups of 16, 4 and 1 tokens. Source: ggml_compute_forward_mul_mat_tiled, and
  forward_mul_mat_one_chunk of the repacked types.

Attention also adds up in the order of the cells, which the scheduler keeps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise

import llama_cpp as lib
import numpy as np

from gateway.engine.options import EngineOptions
from gateway.worker.interfaces import Logits

CUTS = ((20,), (9, 8, 2, 1))  # where kernels would change, in tokens


def obstacle(options: EngineOptions, model: object, devices: Sequence[str]) -> str:
    """Why answers of `model` can't be reproducible; "" if nothing is known to be in the way."""
    if devices and options.gpu_layers:
        return f"kernels of {devices[0]} depend on the batch; set `gpu_layers: 0`"
    if options.llama.flash_attn == "off":
        return "without flash attention, results depend on the batch"
    if lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model):
        return "a recurrent state depends on the batches that it was computed in"
    if lib.llama_model_n_swa(model):
        return "the cells of sliding-window attention have no fixed order"
    return ""


def set_environment() -> None:
    """Turn off kernels that only an environment variable turns off, before a model is loaded."""
    os.environ["GGML_CPU_TILED_MM"] = "0"


def cache_types(k: str, v: str) -> tuple[str, str]:
    """The types of K and V for those given."""
    return ("bf16", v) if k == v and k in ("f16", "f32") else (k, v)


def is_exact(read: Callable[[Sequence[list[int]]], Logits], vocab_size: int) -> bool:
    """Whether `read` yields the same logits, to the last bit, however a text is cut into pieces.

    `read` computes one piece after the other and returns the logits of the last token.
    """
    text = [at * 7919 % vocab_size for at in range(sum(CUTS[0]))]
    first, *others = (read(_cut(text, lengths)) for lengths in CUTS)
    return all(np.array_equal(first, other) for other in others)


def _cut(text: list[int], lengths: Sequence[int]) -> list[list[int]]:
    ends = [0, *np.cumsum(lengths)]
    return [text[start:end] for start, end in pairwise(ends)]
