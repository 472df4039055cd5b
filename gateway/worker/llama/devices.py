"""The devices that llama.cpp can put layers on, by the names that it lists them under.

Source: ggml-backend.h, which llama-cpp-python has no bindings of.
"""

from __future__ import annotations

import ctypes

import llama_cpp as lib

PROCESSOR, ACCELERATOR = 0, 3  # ggml_backend_dev_type: they compute beside every device

_ggml = lib.llama_cpp._lib
_ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
_ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
_ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
_ggml.ggml_backend_dev_name.argtypes = [ctypes.c_void_p]
_ggml.ggml_backend_dev_name.restype = ctypes.c_char_p
_ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]


def devices() -> dict[str, int]:
    """Each device's name and address; none in a build for processors alone."""
    found = [_ggml.ggml_backend_dev_get(i) for i in range(_ggml.ggml_backend_dev_count())]
    return {
        _ggml.ggml_backend_dev_name(device).decode(): device
        for device in found
        if _ggml.ggml_backend_dev_type(device) not in (PROCESSOR, ACCELERATOR)
    }
