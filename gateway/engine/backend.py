"""What llama.cpp was compiled for, and the devices that it sees here."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from gateway.errors import EngineDied

TIMEOUT_S = 60.0  # a GPU driver may take seconds to start


class Device(msgspec.Struct, frozen=True):
    """A device that layers can be offloaded to; memory in bytes."""

    name: str
    description: str
    free_bytes: int
    total_bytes: int


class Backend(msgspec.Struct, frozen=True):
    """A build of llama.cpp: its version, its file, and the instruction sets that it uses."""

    version: str
    library: str
    instructions: list[str]
    devices: list[Device]


def read_backend() -> Backend:
    """Asks a process that loads llama.cpp as a worker does; raises EngineDied with the reason."""
    command = [sys.executable, "-P", "-m", "gateway.worker.llama.about"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise EngineDied(f"llama.cpp gave no answer within {TIMEOUT_S:g} s") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise EngineDied(f"llama.cpp ended with status {done.returncode}: {' '.join(lines)}")
    return msgspec.json.decode(done.stdout, type=Backend)
