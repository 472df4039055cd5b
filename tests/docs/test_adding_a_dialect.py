"""The dialect of docs/adding-a-dialect.md works as the page shows."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.docs.test_docs import DOCS, blocks
from tests.fakes import Script, ScriptedAnswer, app

PAGE = (DOCS / "adding-a-dialect.md").read_text()
STREAM, WHOLE = blocks("json", PAGE)
CALL = ["<tool_call>\n", "get_weather\n", "<arg> city: ", "Paris", "</arg>", "\n</tool_call>"]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the page's code defines."""
    names: dict[str, Any] = {}
    for block in blocks("python", PAGE):
        exec(compile(block, "adding-a-dialect.md", "exec", dont_inherit=True), names)
    return names


@pytest.fixture
async def client(example: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with the dialect, whose model writes the call that the page shows."""
    gateway = app(
        Script([ScriptedAnswer(CALL)]),
        template="smollm2-tools",
        format="smollm2_tools",
        aliases=("smollm2",),
    )
    gateway.include_router(example["router"])
    async with gateway.router.lifespan_context(gateway):
        transport = httpx.ASGITransport(gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


def body(**more: Any) -> dict[str, Any]:
    """The body of the page's curl command."""
    [text] = re.findall(r"^curl \S+/lines -d '(.*?)'$", PAGE, re.DOTALL | re.MULTILINE)
    return {**json.loads(text), **more}


async def test_the_stream_is_the_one_on_the_page(client: httpx.AsyncClient) -> None:
    response = await client.post("/lines", json=body())
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text == STREAM


async def test_the_whole_answer_is_the_one_on_the_page(client: httpx.AsyncClient) -> None:
    response = await client.post("/lines", json=body(stream=False))
    assert response.json() == json.loads(WHOLE)


async def test_an_error_has_its_status(client: httpx.AsyncClient) -> None:
    response = await client.post("/lines", json=body(model="gone"))
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
