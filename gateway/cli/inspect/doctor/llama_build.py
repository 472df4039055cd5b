"""The build of llama.cpp, and whether it uses what the machine has."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence

from gateway.cli.inspect.doctor.machine import GB, INSTRUCTIONS, Gpu
from gateway.cli.inspect.finding import Finding, Level
from gateway.config.shipped import ROOT
from gateway.engine.backend import Backend

PACKAGE = "llama-cpp-python"
FLAGS = {"cuda": "-DGGML_CUDA=ON", "vulkan": "-DGGML_VULKAN=ON", "metal": "-DGGML_METAL=ON"}


def findings(
    backend: Backend, gpus: Sequence[Gpu], instructions: Collection[str]
) -> Iterator[Finding]:
    """The version, the devices and the instruction sets, compared with those of the machine."""
    yield Finding("llama.cpp", f"{backend.version}, {backend.library}")
    yield _devices(backend, gpus)
    yield _instructions(backend, instructions)


def _devices(backend: Backend, gpus: Sequence[Gpu]) -> Finding:
    if backend.devices:
        shown = (
            f"{one.name} {one.description}, {one.free_bytes / GB:.1f} of"
            f" {one.total_bytes / GB:.1f} GB free"
            for one in backend.devices
        )
        return Finding("devices", "; ".join(shown))
    if not gpus:
        return Finding("devices", "the CPU; there is no GPU with a driver")
    text = f"llama.cpp was compiled for the CPU only, but there is {gpus[0].name}"
    return Finding("devices", text, Level.PROBLEM, _command(gpus[0].backend))


def _instructions(backend: Backend, instructions: Collection[str]) -> Finding:
    """Only the names that both llama.cpp and the system tell can be compared."""
    used = [name for name in backend.instructions if name in INSTRUCTIONS.values()]
    unused = [name for name in INSTRUCTIONS.values() if name in {*instructions} - {*used}]
    if not unused:
        return Finding("instructions", f"llama.cpp uses {', '.join(used) or 'the basic ones'}")
    text = f"llama.cpp does not use {', '.join(unused)}, which this CPU has"
    return Finding("instructions", text, Level.NOTE, compile_command("-DGGML_NATIVE=ON"))


def compile_command(flag: str) -> str:
    """The command that rebuilds llama.cpp for this Python with a CMake flag."""
    version = importlib.metadata.version(PACKAGE)
    installer = f"{sys.executable} -m pip install --force-reinstall --no-deps --no-cache-dir"
    if shutil.which("uv"):
        installer = (
            f"uv pip install --python {sys.executable} --no-cache --reinstall-package {PACKAGE}"
        )
    return f"CMAKE_ARGS={flag} {installer} --no-binary {PACKAGE} {PACKAGE}=={version}"


def _command(backend: str) -> str:
    """The command that compiles llama.cpp for a backend: a checkout's own, if this is one."""
    if (ROOT / "Makefile").is_file():
        return f"make setup BACKEND={backend}"
    return compile_command(FLAGS[backend])
