"""How far a model is that loads, as /health and /v1/models show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gateway.app import create_app
from gateway.config.load import Config, Entry
from gateway.engine.client import OnLoading
from gateway.engine.options import EngineOptions
from gateway.errors import DownloadFailed
from gateway.models.handle import State, Status
from gateway.models.progress import LoadProgress
from gateway.models.registry import Registry
from tests.fakes import REPO, Script, no_memory, scripted
from tests.hub.fake_hub import FakeHub, hub, weights
from tests.models.launcher import Launcher, load

FILE = "tiny-Q8_0.gguf"
STALLED = LoadProgress("downloading", 0.25, 25_000, 100_000)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that stalls after a quarter of a file."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with hub({FILE: weights()}) as one:
        one.stalls_at = 25_000
        for name, value in one.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield one


def config(*names: str) -> Config:
    """Entries that all have the file of the fake hub."""
    entry = Entry(source="hf:owner/repo:Q8_0", template="smollm2", format="hermes")
    return Config(models=dict.fromkeys(names, entry), folder=REPO)


async def until_stalled(registry: Registry, name: str) -> LoadProgress:
    """The progress of a download when the hub sends no more, without its rate."""
    while True:
        progress = registry.status(name).progress
        if progress and progress.done_bytes == STALLED.done_bytes:
            return LoadProgress(
                progress.stage, progress.share, progress.done_bytes, progress.total_bytes
            )
        await asyncio.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    """Returns when the condition holds, which another process changes."""
    while not is_so():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.01)


def downloads() -> list[psutil.Process]:
    return psutil.Process().children()


async def test_a_download_is_shown_and_then_the_model_is_ready(fake: FakeHub) -> None:
    registry = Registry(config("a"), Launcher())
    request = asyncio.create_task(load(registry, "a"))
    assert await until_stalled(registry, "a") == STALLED
    assert registry.status("a").state is State.LOADING
    fake.release.set()
    await request
    assert registry.status("a") == Status(State.READY)


async def test_a_request_hangs_up_and_the_download_goes_on(fake: FakeHub) -> None:
    registry = Registry(config("a"), Launcher())
    request = asyncio.create_task(load(registry, "a"))
    await until_stalled(registry, "a")
    request.cancel()
    await asyncio.wait({request})
    assert len(downloads()) == 1
    fake.release.set()
    await load(registry, "a")
    assert fake.downloads == [(FILE, 0)]


async def test_requests_share_a_download(fake: FakeHub) -> None:
    registry = Registry(config("a"), Launcher())
    requests = [asyncio.create_task(load(registry, "a")) for _ in range(3)]
    await until_stalled(registry, "a")
    assert len(downloads()) == 1
    fake.release.set()
    first, *others = await asyncio.gather(*requests)
    assert all(other is first for other in others)


async def test_closing_the_registry_ends_a_download(fake: FakeHub) -> None:
    registry = Registry(config("a"), Launcher())
    request = asyncio.create_task(load(registry, "a"))
    await until_stalled(registry, "a")
    await registry.close()
    assert downloads() == []
    await asyncio.wait({request})


async def test_unloading_ends_a_download_that_no_request_waits_for(fake: FakeHub) -> None:
    registry = Registry(config("a"), Launcher())
    request = asyncio.create_task(load(registry, "a"))
    await until_stalled(registry, "a")
    request.cancel()
    await registry.unload("a")
    assert downloads() == []
    assert registry.status("a") == Status(State.UNLOADED)


async def test_an_entry_that_is_removed_ends_its_download(fake: FakeHub) -> None:
    registry = Registry(config("a", "b"), Launcher())
    request = asyncio.create_task(load(registry, "a"))
    await until_stalled(registry, "a")
    request.cancel()
    registry.change(config("b"))
    await until(lambda: not downloads())
    assert registry.status("b") == Status(State.UNLOADED)


async def test_a_failed_download_names_the_entry_and_keeps_its_code(fake: FakeHub) -> None:
    fake.status = 503
    registry = Registry(config("a"), Launcher())
    with pytest.raises(DownloadFailed, match=r"^models\.a: cannot download hf:owner/repo:Q8_0: "):
        await load(registry, "a")
    assert registry.status("a").state is State.FAILED


class HalfLoaded(Launcher):
    """Starts a worker that has loaded half of its file until `may_load`."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = asyncio.Event()

    async def __call__(self, options: EngineOptions, on_loading: OnLoading) -> Script:  # type: ignore[override]
        on_loading(0.5)
        await self.may_load.wait()
        return Script([scripted("Hi")])


@asynccontextmanager
async def client(launch: Launcher) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose only model, `a`, is being loaded."""
    entry = Entry(source="models.yaml", template="smollm2", format="hermes", preload=True)
    served = create_app(Config(models={"a": entry}, folder=REPO), launch, estimate=no_memory)
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(served), base_url="http://127.0.0.1"
        ) as http,
    ):
        yield http


async def test_loading_is_shown_over_http() -> None:
    launch = HalfLoaded()
    half = {
        "stage": "loading",
        "share": 0.5,
        "done_bytes": None,
        "total_bytes": None,
        "bytes_per_s": None,
    }

    async def model(http: httpx.AsyncClient) -> Any:
        return (await http.get("/v1/models/a")).json()

    async with client(launch) as http:
        while not (await model(http))["progress"]:  # noqa: ASYNC110 - it is the request that acts
            await asyncio.sleep(0)
        assert (await model(http))["progress"] == half
        assert (await http.get("/health")).json()["progress"] == {"a": half}
        launch.may_load.set()
        while not (await model(http))["loaded"]:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        assert (await model(http))["progress"] is None
        assert (await http.get("/health")).json()["progress"] == {}
