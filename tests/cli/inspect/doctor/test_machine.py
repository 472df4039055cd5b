"""What the files of a machine tell of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.cli.inspect.doctor.machine import Gpu, Machine

X86 = """\
processor\t: 0
model name\t: Fast Processor
flags\t\t: fpu avx avx2 fma f16c avx512f
"""
ARM = """\
processor\t: 0
Features\t: fp asimd asimddp i8mm
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the files of Linux")


def machine(root: Path, files: dict[str, str]) -> Machine:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Machine(root)


@pytest.mark.parametrize(
    ("cpuinfo", "names"),
    [
        (X86, {"AVX", "AVX2", "FMA", "F16C", "AVX512"}),
        (ARM, {"NEON", "DOTPROD", "MATMUL_INT8"}),
        ("", set()),
    ],
)
def test_instruction_sets_have_the_names_of_llama_cpp(
    cpuinfo: str, names: set[str], tmp_path: Path
) -> None:
    assert machine(tmp_path, {"proc/cpuinfo": cpuinfo}).instructions() == names


def test_the_processor_is_named(tmp_path: Path) -> None:
    _, cpu, _ = machine(tmp_path, {"proc/cpuinfo": X86}).findings()
    assert cpu.text.startswith("Fast Processor, ")


@pytest.mark.parametrize(
    ("files", "gpus"),
    [
        ({}, []),
        (
            {"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t NVIDIA H200\nIRQ: 1"},
            [Gpu("NVIDIA H200", "cuda")],
        ),
        ({"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""}, [Gpu("NVIDIA GPU", "cuda")]),
        ({"dev/kfd": ""}, [Gpu("an AMD GPU", "vulkan")]),
    ],
)
def test_gpus_are_found_by_the_files_of_their_drivers(
    files: dict[str, str], gpus: list[Gpu], tmp_path: Path
) -> None:
    assert machine(tmp_path, files).gpus() == gpus
