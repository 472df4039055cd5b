"""The machine: its system, its processor, its memory, its GPUs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from gateway.cli.inspect.finding import Finding, Level
from gateway.models.memory_budget import budget_bytes, machine_bytes

GB = 2**30
LITTLE_MEMORY = GB  # the default model needs a fifth of it
# Instruction sets that make llama.cpp faster: the flag in /proc/cpuinfo, and llama.cpp's name.
INSTRUCTIONS = {
    "avx": "AVX",
    "avx2": "AVX2",
    "fma": "FMA",
    "f16c": "F16C",
    "bmi2": "BMI2",
    "avx_vnni": "AVX_VNNI",
    "avx512f": "AVX512",
    "avx512vbmi": "AVX512_VBMI",
    "avx512_vnni": "AVX512_VNNI",
    "avx512_bf16": "AVX512_BF16",
    "amx_int8": "AMX_INT8",
    "asimd": "NEON",
    "asimddp": "DOTPROD",
    "i8mm": "MATMUL_INT8",
    "sve": "SVE",
    "sme": "SME",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor, and the backend of llama.cpp that can use it."""

    name: str
    backend: str


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine, as far as the files below `root` tell it."""

    root: Path = Path("/")

    def findings(self) -> Iterator[Finding]:
        yield Finding("system", f"{_system()}, Python {platform.python_version()}")
        yield self._processor()
        yield _memory()

    def instructions(self) -> set[str]:
        """llama.cpp's names of the instruction sets that the processor has; none if unknown."""
        lines = self._cpuinfo()
        flags = {*lines.get("flags", "").split(), *lines.get("Features", "").split()}
        return {name for flag, name in INSTRUCTIONS.items() if flag in flags}

    def gpus(self) -> list[Gpu]:
        """The GPUs that have a driver."""
        if sys.platform == "darwin" and platform.machine() == "arm64":
            return [Gpu(platform.processor() or "Apple GPU", "metal")]
        nvidia = [Gpu(name, "cuda") for name in self._nvidia_names()]
        amd = [Gpu("an AMD GPU", "vulkan")] if (self.root / "dev/kfd").exists() else []
        return nvidia + amd

    def _processor(self) -> Finding:
        name = self._cpuinfo().get("model name") or platform.processor() or platform.machine()
        usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
        return Finding("cpu", f"{name}, {usable} of {os.cpu_count()} CPUs usable")

    def _cpuinfo(self) -> dict[str, str]:
        """The fields of /proc/cpuinfo; empty where there is no such file."""
        with suppress(OSError):
            lines = (self.root / "proc/cpuinfo").read_text().splitlines()
            pairs = (line.partition(":") for line in lines)
            return {key.strip(): value.strip() for key, _, value in pairs}
        return {}

    def _nvidia_names(self) -> Iterator[str]:
        """Source: the driver's files; under WSL there are none, but a device."""
        for path in sorted((self.root / "proc/driver/nvidia/gpus").glob("*/information")):
            lines = (line.partition(":") for line in path.read_text().splitlines())
            yield next((value.strip() for key, _, value in lines if key == "Model"), "NVIDIA GPU")
        if (self.root / "dev/dxg").exists() and (
            self.root / "usr/lib/wsl/lib/libcuda.so.1"
        ).exists():
            yield "NVIDIA GPU"


def _system() -> str:
    kernel = f"{platform.system()} {platform.release()}, {platform.machine()}"
    with suppress(OSError):
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    return kernel


def _memory() -> Finding:
    total, usable = psutil.virtual_memory().total, machine_bytes()
    text = f"{total / GB:.1f} GB, {psutil.virtual_memory().available / GB:.1f} GB available"
    if usable < total:
        text += f", the container may use {usable / GB:.1f} GB"
    text += f"; `memory_mb: auto` is {budget_bytes('auto') / GB:.1f} GB"
    if usable >= LITTLE_MEMORY:
        return Finding("memory", text)
    return Finding("memory", text, Level.NOTE, "only the smallest models fit")
