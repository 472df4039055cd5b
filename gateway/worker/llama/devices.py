"""The devices that llama.cpp can offload layers to, and the instructions that it uses beside them.

Source: ggml-backend.h, for which llama-cpp-python has no bindings.
"""

from __future__ import annotations

import ctypes
import re

import llama_cpp as lib

CPU, ACCELERATOR = 0, 3  # ggml_backend_dev_type: always in use, beside any other device

_ggml = lib.llama_cpp._lib
_ggml.ggml_commit.restype = ctypes.c_char_p
_ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
_ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
_ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
_ggml.ggml_backend_dev_name.argtypes = [ctypes.c_void_p]
_ggml.ggml_backend_dev_name.restype = ctypes.c_char_p
_ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]


def devices() -> dict[str, int]:
    """The name and address of each device; empty in a CPU build."""
    found = [_ggml.ggml_backend_dev_get(i) for i in range(_ggml.ggml_backend_dev_count())]
    return {
        _ggml.ggml_backend_dev_name(device).decode(): device
        for device in found
        if _ggml.ggml_backend_dev_type(device) not in (CPU, ACCELERATOR)
    }


def version() -> str:
    """The versions of llama-cpp-python and of the ggml in it."""
    return f"llama-cpp-python {lib.__version__}, ggml {_ggml.ggml_commit().decode()}"


def instructions() -> list[str]:
    """The instruction sets of the CPU that this build of llama.cpp uses."""
    return re.findall(r"(\w+) = 1", lib.llama_print_system_info().decode())
