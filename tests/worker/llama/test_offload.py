"""What llama.cpp's log says about the layers on a GPU."""

from __future__ import annotations

import pytest

from gateway.worker.llama.offload import is_placement, read_offload

COUNT = "load_tensors: offloaded {}/29 layers to GPU"
CPU = "load_tensors:   CPU_Mapped model buffer size =   292.36 MiB"
CUDA = "load_tensors:        CUDA{} model buffer size =  4168.09 MiB"
HOST = "load_tensors:    CUDA_Host model buffer size =   292.36 MiB"
METAL = "load_tensors:  MTL0_Mapped model buffer size =  4168.09 MiB"
OTHER = "load_tensors: offloading 28 repeating layers to GPU"


@pytest.mark.parametrize(
    ("log", "devices", "told"),
    [
        ([CPU], [], "CPU, 2 threads, AVX512"),
        ([COUNT.format(29), CPU], [], "CPU, 2 threads, AVX512"),
        ([COUNT.format(0), HOST], ["CUDA0"], "CPU, 2 threads, AVX512"),
        ([COUNT.format(29), CPU, CUDA.format(0)], ["CUDA0", "CUDA1"], "29/29 layers on CUDA0"),
        (
            [COUNT.format(29), CUDA.format(0), CUDA.format(1)],
            ["CUDA0", "CUDA1"],
            "29/29 layers on CUDA0, CUDA1",
        ),
        ([COUNT.format(29), CPU, METAL], ["MTL0"], "29/29 layers on MTL0"),
        (
            [COUNT.format(10), HOST, CUDA.format(0)],
            ["CUDA0"],
            "10/29 layers on CUDA0, the others on CPU, 2 threads, AVX512",
        ),
    ],
)
def test_log_tells_what_computes(log: list[str], devices: list[str], told: str) -> None:
    assert all(map(is_placement, log))
    offload = read_offload(log, devices)
    assert offload.describe(2, ["SSE3", "AVX", "AVX2", "AVX512"]) == told
    assert bool(offload.offloaded) == ("layers on" in told)


def test_other_lines_do_not_tell() -> None:
    assert not is_placement(OTHER)


@pytest.mark.parametrize(
    ("instructions", "told"), [([], "CPU, 1 thread"), (["NEON"], "CPU, 1 thread, NEON")]
)
def test_best_instructions_are_named(instructions: list[str], told: str) -> None:
    assert read_offload([], []).describe(1, instructions) == told
