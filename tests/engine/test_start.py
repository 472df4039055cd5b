"""A worker that does not get as far as loading its model."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.engine.client import Client
from gateway.engine.options import EngineOptions
from gateway.errors import ModelUnavailable, ModelUnusable


@pytest.mark.parametrize(
    ("fate", "kind", "told"),
    [
        ("kill -KILL $$", ModelUnavailable, "was killed while loading m.gguf.* a retry can help"),
        ("kill -SEGV $$", ModelUnusable, "exited with status -11 while loading m.gguf"),
        ("exit 3", ModelUnusable, "exited with status 3 while loading m.gguf"),
    ],
)
async def test_only_a_worker_that_was_killed_is_worth_a_retry(
    fate: str, kind: type[ModelUnusable], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "python"
    worker.write_text(f"#!/bin/sh\n{fate}\n")
    worker.chmod(0o755)
    monkeypatch.setattr("gateway.child.sys.executable", str(worker))
    with pytest.raises(ModelUnusable, match=told) as raised:
        await Client.start(EngineOptions("m.gguf", 512))
    assert type(raised.value) is kind
