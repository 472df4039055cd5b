"""What a build of llama.cpp lacks on a machine, and the command that cures it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from gateway.cli.inspect.doctor import llama_build
from gateway.cli.inspect.doctor.machine import GB, Gpu
from gateway.cli.inspect.finding import Finding, Level
from gateway.engine.backend import Backend, Device

CPU_BUILD = Backend("llama-cpp-python 1", "libllama.so", ["AVX", "AVX2", "OPENMP"], [])
CUDA_BUILD = Backend(
    "llama-cpp-python 1", "libllama.so", ["AVX2"], [Device("CUDA0", "NVIDIA H200", GB, 2 * GB)]
)
H200 = Gpu("NVIDIA H200", "cuda")


def findings(
    backend: Backend, gpus: Sequence[Gpu] = (), instructions: Collection[str] = ()
) -> dict[str, Finding]:
    return {one.subject: one for one in llama_build.findings(backend, gpus, instructions)}


def test_devices_are_listed_with_their_memory() -> None:
    found = findings(CUDA_BUILD, [H200])["devices"]
    assert found == Finding("devices", "CUDA0 NVIDIA H200, 1.0 of 2.0 GB free")


def test_a_cpu_build_is_fine_without_a_gpu() -> None:
    assert findings(CPU_BUILD)["devices"].level is Level.OK


def test_a_cpu_build_beside_a_gpu_is_a_problem_with_a_command() -> None:
    found = findings(CPU_BUILD, [H200])["devices"]
    assert found.level is Level.PROBLEM
    assert found.sentence.endswith("there is NVIDIA H200: make setup BACKEND=cuda")


@pytest.mark.parametrize(("uv", "installer"), [("/bin/uv", "uv pip install"), (None, "-m pip ")])
def test_an_installed_gateway_compiles_with_its_installer(
    uv: str | None, installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_build, "ROOT", tmp_path)
    monkeypatch.setattr("shutil.which", lambda _: uv)
    cure = findings(CPU_BUILD, [H200])["devices"].cure
    assert cure.startswith("CMAKE_ARGS=-DGGML_CUDA=ON ")
    assert installer in cure


def test_unused_instruction_sets_are_noted() -> None:
    found = findings(CPU_BUILD, instructions={"AVX", "AVX2", "AVX512"})["instructions"]
    assert (found.level, found.text) == (
        Level.NOTE,
        "llama.cpp does not use AVX512, which this CPU has",
    )
    assert "GGML_NATIVE=ON" in found.cure


def test_names_that_are_no_instruction_sets_are_left_out() -> None:
    found = findings(CPU_BUILD, instructions={"AVX"})["instructions"]
    assert found == Finding("instructions", "llama.cpp uses AVX, AVX2")
