"""Two gateways share stored responses in a file, and one is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.gateway import PATIENCE_S, eventually, running

pytestmark = pytest.mark.model

LONG = {"type": "string", "minLength": 9000}
STORY = {
    "model": "m",
    "input": "Write a very long story.",
    "background": True,
    "text": {"format": {"type": "json_schema", "name": "story", "schema": LONG}},
}


async def test_responses_of_a_killed_gateway_are_failed_and_conversations_go_on(
    tmp_path: Path,
) -> None:
    models: dict[str, Any] = {"m": {"context": 4096}}
    shared = {"file": str(tmp_path / "responses.sqlite")}
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with (
        running(folders[0], models, responses=shared) as one,
        running(folders[1], models, responses=shared) as other,
    ):
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            asked = {"model": "m", "input": "Hello", "max_output_tokens": 3}
            first = (await http.post(f"{one.url}/v1/responses", json=asked)).json()
            made = (await http.post(f"{one.url}/v1/responses", json=STORY)).json()
            path = f"{other.url}/v1/responses/{made['id']}"

            async def has(status: str) -> bool:
                return bool((await http.get(path)).json()["status"] == status)

            assert await eventually(lambda: has("in_progress"))
            one.process.kill()
            assert await eventually(lambda: has("failed"))
            assert (await http.post(f"{path}/cancel")).json()["status"] == "failed"
            asked["previous_response_id"] = first["id"]
            second = (await http.post(f"{other.url}/v1/responses", json=asked)).json()
            assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
