"""Exports a trained adapter as a GGUF for llama.cpp: python -m training.adapter.export.

Several checkpoints are averaged, which weakens what a single one learned about the tools that it
saw last (adapters/README.md has figures).

Source: convert_lora_to_gguf.py of llama.cpp, for names and keys; LlamaModel.permute in its
convert_hf_to_gguf.py, for the order of the rows of attn_q and attn_k.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import torch
from gguf.quants import dequantize, quantize
from torch import Tensor

from training.adapter.model import ALPHA, HEADS
from training.adapter.progress import load

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "build" / "adapter" / "checkpoint.pt"
ADAPTER = ROOT / "adapters" / "smollm2-135m-tools.gguf"
NAME = re.compile(r"layers\.(\d+)\.\w+\.(\w+)\.lora_([AB])\.")
PARTS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
TYPE = gguf.GGMLQuantizationType.Q8_0
Weights = npt.NDArray[np.float32]


def export(state: Mapping[str, Tensor], path: Path, heads: Mapping[str, int] = HEADS) -> None:
    """Write the adapter as a GGUF; rows of the parts in `heads` are permuted for llama.cpp.

    Weights are Q8_0: on a CPU, llama.cpp is as fast with it as with float32, and faster than with
    float16.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(ALPHA))
    for name, weights in sorted(_tensors(state, heads).items()):
        writer.add_tensor(name, quantize(weights, TYPE), raw_dtype=TYPE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def exported(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """The weights of an adapter file, by their `names` in training."""
    read = gguf.GGUFReader(path).tensors
    found = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in read}
    state = {}
    for name in names:
        place, heads = _place(name, HEADS)
        rows = found[place]
        state[name] = torch.from_numpy(_swapped(rows, heads, -1, 2) if heads else rows)
    return state


def mean(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several adapters of the same shape."""
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]
    }


def _tensors(state: Mapping[str, Tensor], heads: Mapping[str, int]) -> dict[str, Weights]:
    found = {}
    for name, tensor in state.items():
        place, count = _place(name, heads)
        rows: Weights = tensor.detach().float().cpu().numpy()
        found[place] = _swapped(rows, count, 2, -1) if count else rows
    return found


def _place(name: str, heads: Mapping[str, int]) -> tuple[str, int]:
    """The tensor name in llama.cpp, and the number of heads if the rows are permuted."""
    match = NAME.search(name)
    assert match, name
    layer, part, side = match.groups()
    count = heads.get(part, 0) if side == "B" else 0
    return f"blk.{layer}.{PARTS[part]}.weight.lora_{side.lower()}", count


def _swapped(rows: Weights, *shape: int) -> Weights:
    """Interleave the rows of both halves of each head, as RoPE in llama.cpp needs, or undo it."""
    parts = rows.reshape(*shape, rows.shape[1])
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(rows.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[CHECKPOINT])
    parser.add_argument("--adapter", type=Path, default=ADAPTER)
    options = parser.parse_args()
    export(mean([load(path).adapter for path in options.checkpoint]), options.adapter)
    print(f"{options.adapter}: {options.adapter.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
