"""What llama.cpp tells of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.engine.backend import read_backend
from gateway.errors import EngineDied


def test_the_build_describes_itself() -> None:
    backend = read_backend()
    assert Path(backend.library).is_file()
    assert backend.version.startswith("llama-cpp-python ")
    assert all(device.total_bytes >= device.free_bytes >= 0 for device in backend.devices)


def test_a_library_that_cannot_be_loaded_is_an_error_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    with pytest.raises(EngineDied, match=r"llama\.cpp ended with status 1: .*not found"):
        read_backend()
