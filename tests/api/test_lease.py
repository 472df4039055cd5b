"""Each route leases its model, so that it is unloaded after the request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.engine.generation import Embeddings
from tests.api.encoder import ENTRY, Encoder
from tests.clock import skips_waits
from tests.fakes import RawClient, Script, ScriptedAnswer, app, chat, config, until

ROUTES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("/v1/chat/completions", chat(), {}),
    ("/v1/chat/completions", chat(stream=True), {}),
    ("/v1/completions", {"model": "m", "prompt": "Once"}, {}),
    ("/v1/completions", {"model": "m", "prompt": "Once", "stream": True}, {}),
    ("/v1/embeddings", {"model": "m", "input": "Once"}, ENTRY),
]


class Slow(Encoder):
    """Never finishes."""

    async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
        self.running += 1
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(("path", "body", "entry"), ROUTES)
@skips_waits
async def test_model_is_unloaded_after_the_request_that_uses_it(
    path: str, body: dict[str, Any], entry: dict[str, Any]
) -> None:
    script = Slow() if entry else Script([ScriptedAnswer(["Once"], finish=None)])
    served = app(script, **entry)
    async with served.router.lifespan_context(served):
        visitor = RawClient(served, body, path)
        visit = asyncio.create_task(visitor.run())
        await until(lambda: script.running == 1)
        served.state.registry.change(config(**{**entry, "context": 512}))
        await asyncio.sleep(1)
        assert served.state.registry.status("m").state == "draining"
        assert not script.stopped
        visitor.gone.set()
        await visit
        await until(lambda: script.stopped)
