"""`python -m gateway.worker.llama.about`: prints what this llama.cpp is, as JSON.

Sources: llama.h, ggml.h and ggml-backend.h.
"""

from __future__ import annotations

import ctypes
import os

import llama_cpp as lib
import msgspec

from gateway.engine.backend import Backend, Device
from gateway.worker.llama.devices import devices, instructions, version

_library = lib.llama_cpp._lib
_library.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
_library.ggml_backend_dev_description.restype = ctypes.c_char_p
_library.ggml_backend_dev_memory.argtypes = [
    ctypes.c_void_p,
    *[ctypes.POINTER(ctypes.c_size_t)] * 2,
]
_library.ggml_backend_dev_memory.restype = None


def about() -> Backend:
    """Describes the library that this process has loaded."""
    return Backend(
        version=version(),
        library=_library._name,
        instructions=instructions(),
        devices=[_device(name, address) for name, address in devices().items()],
    )


def _device(name: str, address: int) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    _library.ggml_backend_dev_memory(address, ctypes.byref(free), ctypes.byref(total))
    description = _library.ggml_backend_dev_description(address).decode(errors="replace")
    return Device(name, description, free.value, total.value)


def main() -> None:
    """Prints the JSON; what llama.cpp itself prints goes to stderr."""
    output = os.dup(1)
    os.dup2(2, 1)
    os.write(output, msgspec.json.encode(about()))


if __name__ == "__main__":
    main()
