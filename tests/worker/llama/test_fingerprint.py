"""A fingerprint changes with the file and the settings that answers depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.engine.options import CacheOffload, EngineOptions, Options
from gateway.worker.llama.fingerprint import fingerprint


def of(path: Path, **settings: Any) -> str:
    return fingerprint(EngineOptions(str(path), 512, **settings))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (path := tmp_path / "model.gguf").write_bytes(bytes(3 * 2**20))
    return path


def test_the_same_file_elsewhere_has_the_same_fingerprint(model: Path) -> None:
    other = model.with_name("other.gguf")
    other.write_bytes(model.read_bytes())
    assert of(model) == of(other) == of(other, threads=2, cache_offload=CacheOffload(5), hang_s=1)


def test_another_file_has_another_fingerprint(model: Path) -> None:
    before = of(model)
    for contents in (bytes(3 * 2**20 + 1), bytes(3 * 2**20 - 1) + b"x"):
        model.write_bytes(contents)
        assert of(model) != before


def test_another_setting_has_another_fingerprint(model: Path) -> None:
    (adapter := model.with_name("adapter.gguf")).write_bytes(b"lora")
    settings: list[dict[str, Any]] = [
        {},
        {"reproducible": "always"},
        {"llama": Options(cache_type_k="q8_0")},
        {"lora": ((str(adapter), 1.0),)},
        {"lora": ((str(adapter), 0.5),)},
    ]
    assert len({of(model, **more) for more in settings}) == len(settings)
