"""Which layers of a model llama.cpp has placed on a GPU, as only its log tells.

Source: llama_model::load_tensors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

BUFFER = re.compile(r"(\S+) model buffer size")
OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
# The sets of vector instructions that matter most, in the order of their speed.
VECTORS = ("AMX_INT8", "AVX512", "AVX2", "AVX", "SVE", "NEON", "VSX", "RISCV_V")


def is_placement(line: str) -> bool:
    """Whether a line of llama.cpp's log says where layers are."""
    return bool(BUFFER.search(line) or OFFLOADED.search(line))


class Offload(NamedTuple):
    """`offloaded` of all `layers` are on `devices`, the others are computed by the CPU."""

    offloaded: int = 0
    layers: int = 0
    devices: tuple[str, ...] = ()

    def describe(self, threads: int, instructions: Collection[str]) -> str:
        """Says what computes the model, with that many threads and these instruction sets."""
        vectors = next((f", {name}" for name in VECTORS if name in instructions), "")
        cpu = f"CPU, {threads} {'thread' if threads == 1 else 'threads'}{vectors}"
        if not self.offloaded:
            return cpu
        on_devices = f"{self.offloaded}/{self.layers} layers on {', '.join(self.devices)}"
        return on_devices if self.offloaded == self.layers else f"{on_devices}, the others on {cpu}"


def read_offload(log: Sequence[str], devices: Iterable[str]) -> Offload:
    """Reads what the lines of llama.cpp's log say about a model that was loaded.

    A build for GPUs counts the layers that were to be offloaded, also without a GPU, so only
    the buffers tell whether any of `devices` has some; `CUDA_Host` is main memory, for one.
    """
    buffers = [found[1] for line in log if (found := BUFFER.search(line))]
    used = tuple(name for name in devices if any(buffer.startswith(name) for buffer in buffers))
    counts = [found for line in log if (found := OFFLOADED.search(line))]
    return Offload(int(counts[-1][1]), int(counts[-1][2]), used) if used and counts else Offload()
