"""Clients that disconnect at random times."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from tests.e2e.tools import WEATHER
from tests.faults.gateway import STORY, Gateway

pytestmark = pytest.mark.model

VISITS = 500
AT_ONCE = 8
LONGEST_S = 0.5
ASKED: tuple[dict[str, Any], ...] = (
    {"stream": True},
    {"stream": False},
    {"stream": True, "tools": [WEATHER], "tool_choice": "required"},
    {"stream": True, "n": 3},
    {"messages": [{"role": "user", "content": "A clock struck nine. " * 60}]},
)


async def test_five_hundred_disconnects_leak_no_resources(gateway: Gateway) -> None:
    chance, door = Random(7), asyncio.Semaphore(AT_ONCE)
    before = await gateway.rest("m")

    async def visit(body: dict[str, Any], patience_s: float) -> str:
        async with door:
            try:
                async with asyncio.timeout(patience_s):
                    ending = await gateway.ask(**{"messages": STORY, "max_tokens": 16, **body})
            except TimeoutError:
                return ""
            return ending.code

    visits = [(chance.choice(ASKED), chance.uniform(0, LONGEST_S)) for _ in range(VISITS)]
    assert {*await asyncio.gather(*(visit(*one) for one in visits))} == {""}
    await gateway.recovers(before, "m")
