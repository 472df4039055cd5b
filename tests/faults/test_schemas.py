"""Schemas that take long to compile, and the death of the processes that compile them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.faults.gateway import Gateway, eventually

pytestmark = pytest.mark.model


def tool(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "parameters": {"type": "object", **parameters}}
    return {"tools": [{"type": "function", "function": function}]}


def bomb(name: str) -> dict[str, Any]:
    patterns = {f"^abcdef{i}[a-z]*$": {"type": "string"} for i in range(400)}
    return tool(name, {"patternProperties": patterns})


def with_pattern(name: str) -> dict[str, Any]:
    """A tool that is compiled on trial too, and quickly."""
    return tool(name, {"properties": {"a": {"type": "string", "pattern": f"^{name}[0-9]+$"}}})


async def test_others_are_answered_before_a_bomb_is_refused(gateway: Gateway) -> None:
    attack = asyncio.create_task(gateway.ask("m", **bomb("f")))
    await asyncio.sleep(0.1)
    others = [gateway.ask("m"), gateway.ask("copy"), gateway.ask("copy", **with_pattern("g"))]
    assert {ending.status for ending in await asyncio.gather(*others)} == {200}
    assert not attack.done()
    refused = await attack
    assert (refused.status, refused.code) == (400, "schema_too_complex")
    assert "tool 'f'" in refused.message
    assert "limits.schema_cpu_s" in refused.message


async def test_a_bomb_is_compiled_once(gateway: Gateway) -> None:
    assert (await gateway.ask("m", **bomb("once"))).code == "schema_too_complex"
    spent = cpu_s(gateway)
    assert (await gateway.ask("m", **bomb("once"))).code == "schema_too_complex"
    assert cpu_s(gateway) - spent < 1  # of the two that compiling it takes


async def test_a_client_that_hangs_up_ends_the_compilation(gateway: Gateway) -> None:
    assert await eventually(lambda: are_busy(gateway, 0))
    before = await gateway.rest("m")
    attack = asyncio.create_task(gateway.ask("m", **bomb("hung_up")))
    assert await eventually(lambda: are_busy(gateway, 1))
    [process] = busy(gateway)
    spent_s: list[float] = []

    async def has_ended() -> bool:
        with suppress(psutil.NoSuchProcess):
            spent_s.append(process.cpu_times().user)
        return not process.is_running()

    attack.cancel()
    assert await eventually(has_ended)
    assert max(spent_s) < 1.5  # of the two that it may take
    await gateway.recovers(before, "m")


async def test_the_death_of_the_processes_costs_no_request(gateway: Gateway) -> None:
    assert (await gateway.ask("m", **with_pattern("i"))).status == 200
    for process in compilers(gateway):
        process.kill()
    assert (await gateway.ask("m", **with_pattern("j"))).status == 200


def compilers(gateway: Gateway) -> list[psutil.Process]:
    return [p for p in gateway.process.children() if "gateway.pool" in p.cmdline()]


def cpu_s(gateway: Gateway) -> float:
    return sum(process.cpu_times().user for process in compilers(gateway))


def busy(gateway: Gateway) -> list[psutil.Process]:
    return [p for p in compilers(gateway) if p.status() == psutil.STATUS_RUNNING]


async def are_busy(gateway: Gateway, count: int) -> bool:
    return len(busy(gateway)) == count
