"""A trained adapter -> a GGUF that llama.cpp puts on the model: python -m training.adapter.export.

Source: convert_lora_to_gguf.py of llama.cpp, for names and keys; LlamaModel.permute in its
convert_hf_to_gguf.py, for the order of the rows of attn_q and attn_k.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import torch
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
Weights = npt.NDArray[np.float32]
Weighed = dict[str, Tensor]


def export(state: Mapping[str, Tensor], path: Path, heads: Mapping[str, int] = HEADS) -> None:
    """Write an adapter; the parts named in `heads` have their rows in llama.cpp's order.

    In float32: llama.cpp computes slower with float16 on a CPU.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(ALPHA))
    for name, weights in sorted(_tensors(state, heads).items()):
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def exported(path: Path, names: Iterable[str], heads: Mapping[str, int] = HEADS) -> Weighed:
    """The weights in an adapter's file, by the `names` that they have in training."""
    found = {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}
    state = {}
    for name in names:
        layer, part, side = _named(name)
        weights = found[f"blk.{layer}.{PARTS[part]}.weight.lora_{side.lower()}"]
        if side == "B" and part in heads:
            weights = _unpermuted(weights, heads[part])
        state[name] = torch.from_numpy(weights)
    return state


def _tensors(state: Mapping[str, Tensor], heads: Mapping[str, int]) -> dict[str, Weights]:
    found = {}
    for name, tensor in state.items():
        layer, part, side = _named(name)
        weights: Weights = tensor.detach().float().cpu().numpy()
        if side == "B" and part in heads:
            weights = _permuted(weights, heads[part])
        found[f"blk.{layer}.{PARTS[part]}.weight.lora_{side.lower()}"] = weights
    return found


def _named(name: str) -> tuple[str, ...]:
    match = NAME.search(name)
    assert match, name
    return match.groups()


def _unpermuted(rows: Weights, heads: int) -> Weights:
    pairs = rows.reshape(heads, -1, 2, rows.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows.shape))


def _permuted(rows: Weights, heads: int) -> Weights:
    """Each head's halves, one row of each in turn: what llama.cpp rotates together."""
    halves = rows.reshape(heads, 2, -1, rows.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--adapter", type=Path, default=ADAPTER)
    asked = parser.parse_args()
    export(load(asked.checkpoint).adapter, asked.adapter)
    print(f"{asked.adapter}: {asked.adapter.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
