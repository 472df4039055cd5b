"""Settings of llama.cpp with which logits depend on the text alone, and a check that they do.

llama.cpp adds numbers up in an order that depends on the kernel, and chooses the kernel by how many
tokens it computes at once. On a CPU these settings leave one kernel for each operation:

- Flash attention goes over the cells in one pass. If K and V were f16, it would split the cells
  between threads (one token, 512 cells), or into tiles (64 tokens); an f32 cache is converted to
  f16 first. Source: ggml_compute_forward_flash_attn_ext_f16, llm_graph_context::build_attn_mha.
- The numbers of a matrix product are added up in one order. K-quants would be computed in tiles
  (8 tokens), repacked ones in groups of 16, 4 and 1 tokens. Source:
  ggml_compute_forward_mul_mat_tiled, and forward_mul_mat_one_chunk of the repacked types. Q4_0,
  Q4_1, Q5_0, Q5_1 and Q8_0 have the same order in all their kernels, repacked or not. F32, F16 and
  BF16 have one order for one token, and another for more, which nothing turns off. Source:
  llamafile_sgemm.

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

CUTS = ((32,), (9, 8, 4, 3, 2, *(1,) * 6))  # where kernels would change, in tokens


def obstacle(options: EngineOptions, model: object, devices: Sequence[str]) -> str:
    """Why answers of `model` won't be reproducible; "" if nothing is known to be in the way."""
    if options.reproducible == "off":
        return "`reproducible` is off for this model; set it to auto or always"
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
    return ("bf16", v) if {k, v} <= {"f16", "f32"} else (k, v)


def inexact(options: EngineOptions) -> str:
    """Why answers of a model that is not `is_exact` can't be reproducible."""
    return "with these weights, results depend on the batch; " + (
        "`reproducible: always` selects slower kernels, with which those of K-quants don't"
        if options.reproducible == "auto"
        else "K-quants, Q8_0, Q5_1, Q5_0, Q4_1 and Q4_0 are reproducible"
    )


def is_exact(read: Callable[[Sequence[list[int]]], Logits], vocab_size: int) -> bool:
    """Whether `read` yields the same logits, to the last bit, however a text is cut into pieces.

    `read` computes one piece after the other and returns the logits of each token.
    """
    text = [at * 7919 % vocab_size for at in range(sum(CUTS[0]))]
    first, *others = (read(_cut(text, lengths)) for lengths in CUTS)
    return all(np.array_equal(first, other) for other in others)


def _cut(text: list[int], lengths: Sequence[int]) -> list[list[int]]:
    ends = [0, *np.cumsum(lengths)]
    return [text[start:end] for start, end in pairwise(ends)]
