"""A worker that dies or hangs ends only its own answers."""

from __future__ import annotations

import asyncio
from signal import SIGABRT, SIGKILL, SIGSEGV, SIGSTOP, Signals

import pytest

from tests.faults.gateway import Gateway

pytestmark = pytest.mark.model

TOLD = {
    SIGKILL: "worker died with exit status -9",
    SIGABRT: "worker died with exit status -6",
    SIGSEGV: "worker died with exit status -11",
    SIGSTOP: "worker was killed after 5 s without a message",
}


@pytest.mark.parametrize("signal", TOLD)
async def test_signal_to_a_worker_ends_only_its_eight_streams(
    gateway: Gateway, signal: Signals
) -> None:
    before = await gateway.rest("copy", "m")
    worker = await gateway.worker("m")
    other = asyncio.create_task(gateway.ask("copy", max_tokens=100))
    endings = await gateway.during_streams(lambda: worker.send_signal(signal))
    assert {ending.code for ending in endings} == {"engine_died"}
    assert all(TOLD[signal] in ending.message for ending in endings)
    assert (await other).finish == "length"
    await gateway.recovers(before, "m", "copy")
