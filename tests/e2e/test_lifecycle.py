"""Model lifecycle: two models with memory for one are loaded in turn; no answer is truncated."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml
from openai import AsyncOpenAI

from tests import numerics
from tests.e2e.conftest import REPO, serving, unused_port
from tests.e2e.tools import ENDLESS

pytestmark = pytest.mark.model

ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Write a very long story."}],
    "response_format": ENDLESS,
}
CONTEXT = 1024
MEMORY_MB = 400  # for one model: 92 weights, 23 context, 103 compute buffers, 112 worker


async def until(is_so: Callable[[], object]) -> None:
    for _ in range(6000):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


class Gateway:
    """A separate gateway whose models.yaml can be rewritten."""

    def __init__(self, folder: Path, port: int):
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.pid = 0

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    def write(self, **entries: dict[str, Any]) -> None:
        whole = yaml.safe_load((REPO / "models.yaml").read_text())["models"]["smollm2"]
        same = {"source": whole["source"], "template": "smollm2", "format": "hermes"}
        same |= {"context": CONTEXT, "prefix_cache": {"memory_mb": 0}}
        same |= {"llama": {"ubatch_size": 512}}  # the value for which MEMORY_MB was measured
        models = {name: numerics.entry(**{**same, **entry}) for name, entry in entries.items()}
        said = yaml.safe_dump({"memory_mb": MEMORY_MB, "models": models})
        (self.folder / "new.yaml").write_text(said)
        (self.folder / "new.yaml").replace(self.folder / "models.yaml")

    def health(self) -> dict[str, Any]:
        health: dict[str, Any] = httpx.get(f"{self.url}/health").raise_for_status().json()
        return health

    async def say(self, model: str, most: int = 3) -> str:
        """Returns the finish reason of an answer."""
        async with self.client() as client:
            answer = await client.chat.completions.create(model=model, max_tokens=most, **ASKED)
        return str(answer.choices[0].finish_reason)

    async def stream(self, model: str, begun: asyncio.Event, most: int = 500) -> tuple[int, str]:
        """Returns the number of chunks of a streamed answer, and its finish reason."""
        pieces = []
        async with self.client() as client:
            stream = await client.chat.completions.create(
                model=model, max_tokens=most, stream=True, temperature=0, **ASKED
            )
            async for piece in stream:
                begun.set()
                pieces.append(piece.choices[0])
        return len(pieces), str(pieces[-1].finish_reason)

    async def until(self, name: str, state: str) -> None:
        await until(lambda: self.health()["states"].get(name) == state)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if _is_worker(Path(f"/proc/{pid}/cmdline"))]


def _is_worker(command: Path) -> bool:
    try:
        return b"gateway.worker" in command.read_bytes()
    except OSError:  # it has ended
        return False


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("lifecycle")
    gateway = Gateway(folder, unused_port())
    gateway.write(a={}, b={})
    with serving(folder, int(gateway.url.rpartition(":")[2])) as process:
        gateway.pid = process.pid
        yield gateway


async def test_model_is_unloaded_for_another_after_its_stream_ends(gateway: Gateway) -> None:
    begun = asyncio.Event()
    streaming = asyncio.create_task(gateway.stream("a", begun))
    await begun.wait()
    other = asyncio.create_task(gateway.say("b"))
    await gateway.until("a", "draining")
    assert gateway.health()["memory_mb"]["models"] <= MEMORY_MB
    pieces, ended = await streaming
    assert (pieces > 3, ended) == (True, "length")
    assert await other == "length"
    assert gateway.health()["states"] == {"a": "unloaded", "b": "ready"}


async def test_changed_models_yaml_is_loaded_during_an_answer(gateway: Gateway) -> None:
    begun = asyncio.Event()
    streaming = asyncio.create_task(gateway.stream("b", begun))
    await begun.wait()
    gateway.write(a={}, c={"context": 768})
    await gateway.until("c", "unloaded")
    with pytest.raises(openai.NotFoundError):
        await gateway.say("b")
    assert (await streaming)[1] == "length"
    assert await gateway.say("c") == "length"
    (gateway.folder / "models.yaml").write_text("models: {a: {sauce: x}}")
    await until(lambda: gateway.health()["wrong"])
    assert "no such key" in gateway.health()["wrong"]["models.yaml"]
    assert await gateway.say("c") == "length"


async def test_truncated_file_and_too_large_model_do_not_affect_others(
    gateway: Gateway,
    model_path: Path,
) -> None:
    with model_path.open("rb") as whole:
        (gateway.folder / "short.gguf").write_bytes(whole.read(20_000_000))
    gateway.write(a={}, short={"source": "short.gguf"}, large={"context": 8192})
    await gateway.until("large", "unloaded")
    for model, told in (("short", "corrupted or incomplete"), ("large", "allows 400 MB")):
        with pytest.raises(openai.APIStatusError, match=told) as caught:
            await gateway.say(model)
        assert caught.value.status_code == 424
        assert told in gateway.health()["wrong"][model]
    assert await gateway.say("a") == "length"


async def test_worker_killed_while_loading_fails_the_model_until_a_retry(
    gateway: Gateway,
) -> None:
    gateway.write(d={})
    await gateway.until("d", "unloaded")
    await until(lambda: not gateway.workers())
    asked = asyncio.create_task(gateway.say("d"))
    await until(gateway.workers)
    os.kill(gateway.workers()[0], signal.SIGKILL)
    with pytest.raises(openai.APIStatusError, match="the worker was killed while loading"):
        await asked
    assert gateway.health()["states"]["d"] == "failed"
    await asyncio.sleep(1.1)
    assert await gateway.say("d") == "length"
