"""A required call is made for any prompt, and the answer ends."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.e2e.test_tool_choice import PROMPTS
from tests.real.chat import TOOLS, Reply, user

pytestmark = pytest.mark.real


async def test_a_required_call_is_valid_for_every_prompt(url: str) -> None:
    at_once = asyncio.Semaphore(8)

    async def fault(client: httpx.AsyncClient, prompt: str) -> str | None:
        body = {"model": "real", "messages": [user(prompt)], "tools": TOOLS}
        async with at_once:
            answer = await client.post(
                "/chat/completions", json={**body, "tool_choice": "required", "max_tokens": 800}
            )
        try:
            [choice] = answer.json()["choices"]
            assert Reply(choice["message"], choice["finish_reason"]).called
            assert choice["finish_reason"] == "tool_calls"
        except Exception as error:
            return f"{prompt[:40]!r}: {error!r} in {answer.text[:300]}"
        return None

    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        faults = await asyncio.gather(*(fault(client, prompt) for prompt in PROMPTS))
    assert [fault for fault in faults if fault] == []
