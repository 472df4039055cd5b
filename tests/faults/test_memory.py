"""Allocation failures; tests/e2e/test_lifecycle.py tests the memory budget of models.yaml."""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.tools import WEATHER
from tests.faults.gateway import Ending, Gateway, running

pytestmark = pytest.mark.model

MOST_BYTES = 2 * 2**30
TOO_LONG = 131_072  # tokens, of 23 kB each
CALL: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required", "max_tokens": 30}


async def test_failed_allocation_affects_only_its_model(tmp_path: Path) -> None:
    with running(tmp_path, {"m": {}, "large": {"context": TOO_LONG}}, memory_mb=8000) as gateway:
        allow(gateway.process, MOST_BYTES)
        before = await gateway.rest("m")
        failed = await gateway.ask("large")
        assert (failed.status, failed.code) == (503, "model_unavailable")
        assert "SmolLM2-135M-Instruct.Q4_1.gguf" in failed.message
        await gateway.recovers(before, "m")


async def test_worker_without_memory_ends_only_its_answers(gateway: Gateway) -> None:
    before = await gateway.rest("m")
    worker = await gateway.worker("m")
    calls = list[asyncio.Task[Ending]]()

    def fault() -> None:
        allow(worker, 0)
        calls.extend(asyncio.create_task(gateway.ask(**CALL)) for _ in range(4))

    endings = await gateway.during_streams(fault, max_tokens=60) + await asyncio.gather(*calls)
    assert {ending.code for ending in endings} <= {"", "engine_died", "server_error"}
    with suppress(psutil.NoSuchProcess):
        allow(worker, resource.RLIM_INFINITY)
    await gateway.recovers(before, "m")


def allow(process: psutil.Process, size: int) -> None:
    """Limits the address space of `process` and of its later children to `size` bytes."""
    _, most = process.rlimit(resource.RLIMIT_AS)
    process.rlimit(resource.RLIMIT_AS, (size, most))
