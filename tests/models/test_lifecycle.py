"""Models share a memory budget and are reloaded with models.yaml; requests in progress finish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from gateway.admission.admission import Admission
from gateway.chat.events import AnswerEvent, Text
from gateway.chat.messages import Speech
from gateway.chat.request import Request
from gateway.config.load import Config, load
from gateway.engine.client import OnLoading, ignore
from gateway.engine.options import EngineOptions
from gateway.errors import EngineDied, ModelNotFound, ModelUnusable, ShuttingDown
from gateway.formats.families import FAMILIES
from gateway.generate.chat import answer
from gateway.models.handle import State, Status
from gateway.models.memory_estimate import MB, MemoryEstimate
from gateway.models.model import ChatModel
from gateway.models.registry import Registry
from gateway.models.watcher import watch_config
from tests.clock import skips_waits
from tests.fakes import REPO, Script, ScriptedAnswer, until
from tests.models.launcher import Launcher, config
from tests.models.launcher import load as load_model

REQUEST = Request("m", (Speech("user", "Hello"),))
OPEN = ScriptedAnswer(["Once"], finish=None)


class Scripts(Launcher):
    """Starts scripts whose answers never end; loading waits for `may_load`."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = asyncio.Event()
        self.may_load.set()

    async def __call__(self, options: EngineOptions, on_loading: OnLoading = ignore) -> Script:
        self.options.append(options)
        await self.may_load.wait()
        self.started.append(Script([OPEN]))
        return self.started[-1]


def estimate(options: EngineOptions) -> MemoryEstimate:
    """One MB for each token of context."""
    return MemoryEstimate(weights=options.context * MB, worker=0)


def registry_of(
    launch: Scripts, memory_mb: int = 1000, **entries: int | dict[str, object]
) -> Registry:
    """A registry whose models need so many MB each."""
    sized = {n: {"context": e} if isinstance(e, int) else e for n, e in entries.items()}
    whole = config(**sized).model_copy(update={"memory_mb": memory_mb})
    return Registry(whole, launch, estimate)


async def talk(registry: Registry, name: str) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """The events of an answer, under a lease as a route has it."""
    async with (
        registry.lease(name, ChatModel) as model,
        aclosing(await answer(REQUEST, model)) as events,
    ):
        async for indexed in events:
            yield indexed


def evictions(registry: Registry) -> dict[str, float]:
    """The evictions of each model that the metrics counted."""
    samples = (sample for family in registry.metrics.collect() for sample in family.samples)
    counted = [s for s in samples if s.name == "tool_gateway_model_evictions_total"]
    return {sample.labels["model"]: sample.value for sample in counted}


def states(registry: Registry) -> str:
    return " ".join(f"{name}:{registry.status(name).state}" for name in registry.config.models)


async def settle(registry: Registry, wanted: str) -> None:
    """Waits for the states that are wanted."""
    await until(lambda: states(registry) == wanted)


async def test_models_that_fit_into_the_budget_stay_loaded() -> None:
    registry = registry_of(Scripts(), a=400, b=600, c=300)
    await asyncio.gather(load_model(registry, "a"), load_model(registry, "b"))
    assert states(registry) == "a:ready b:ready c:unloaded"
    assert registry.memory.reserved_bytes == 1000 * MB
    assert [registry.memory_bytes(name) // MB for name in "abc"] == [400, 600, 0]
    await registry.close()


async def test_the_least_recently_used_model_is_unloaded_for_another() -> None:
    registry = registry_of(Scripts(), a=400, b=400, c=400)
    for name in "abac":
        await load_model(registry, name)
    await settle(registry, "a:ready b:unloaded c:ready")
    assert evictions(registry) == {"b": 1}
    await registry.close()


@skips_waits
async def test_a_model_is_unloaded_after_its_requests_finish() -> None:
    launch = Scripts()
    registry = registry_of(launch, a=600, b=600)
    parts = talk(registry, "a")
    async with aclosing(parts):
        await anext(parts)
        leased, release = asyncio.Event(), asyncio.Event()

        async def use_b() -> None:
            async with registry.lease("b", ChatModel):
                leased.set()
                await release.wait()

        using_b = asyncio.create_task(use_b())
        await settle(registry, "a:draining b:loading")
        assert (await anext(parts)) == (0, Text("Once"))
        again = asyncio.create_task(load_model(registry, "a"))
        await asyncio.sleep(1)
        assert not leased.is_set()
        assert (len(launch.started), launch.started[0].stopped) == (1, False)
    await leased.wait()
    assert launch.started[0].stopped
    assert not again.done()
    release.set()
    await using_b
    assert (await again).engine is launch.started[2]
    await registry.close()


async def test_models_that_do_not_fit_together_take_turns() -> None:
    registry = registry_of(Scripts(), a=600, b=600)

    async def use(name: str) -> str:
        async with registry.lease(name, ChatModel):
            assert registry.memory.reserved_bytes <= 1000 * MB
            await asyncio.sleep(0)
        return name

    async with asyncio.timeout(30):
        uses = [use("ab"[i % 2]) for i in range(20)]
        assert len(await asyncio.gather(*uses)) == 20
    await registry.close()


async def test_a_pinned_model_is_not_evicted_and_the_error_has_the_sizes() -> None:
    registry = registry_of(Scripts(), a={"context": 600, "pinned": True}, b=500, c=2000)
    await load_model(registry, "a")
    reason = r"models.b: the model needs about 500 MB \(500 for weights\), .* 1,000 MB .* pinned"
    with pytest.raises(ModelUnusable, match=reason) as caught:
        await load_model(registry, "b")
    assert (caught.value.status, caught.value.code) == (424, "model_too_large")
    with pytest.raises(ModelUnusable, match="needs about 2,000 MB"):
        await load_model(registry, "c")
    assert states(registry) == "a:ready b:failed c:failed"
    await registry.close()


async def test_a_loading_model_does_not_block_streams_of_others() -> None:
    launch = Scripts()
    registry = registry_of(launch, a=300, b=300)
    await load_model(registry, "a")
    parts = talk(registry, "a")
    async with aclosing(parts):
        launch.may_load.clear()
        loading = asyncio.create_task(load_model(registry, "b"))
        await settle(registry, "a:ready b:loading")
        await anext(parts)
        assert (await anext(parts)) == (0, Text("Once"))
        launch.may_load.set()
        assert (await loading).name == "b"
    await registry.close()


async def test_a_dead_worker_releases_its_memory() -> None:
    launch = Scripts()
    registry = registry_of(launch, a={"context": 600, "pinned": True}, b=600)
    await load_model(registry, "a")
    launch.started[0].is_alive = False
    assert "its worker died" in registry.status("a").reason
    assert (await load_model(registry, "b")).name == "b"
    await registry.close()


async def test_an_idle_model_is_unloaded_after_idle_s() -> None:
    now_s = [0.0]
    entries = config(a={"idle_s": 5}, b={"idle_s": 5, "pinned": True}, c={})
    registry = Registry(entries, Launcher(), clock=lambda: now_s[0])
    for name in "abc":
        async with registry.lease(name, ChatModel):
            now_s[0] += 4
            registry.unload_idle()
    now_s[0] += 4
    registry.unload_idle()
    await settle(registry, "a:unloaded b:ready c:ready")
    assert evictions(registry) == {"a": 1}
    await registry.close()


# -- changes of models.yaml


@skips_waits
async def test_a_changed_config_reloads_drains_or_keeps_each_model() -> None:
    launch = Scripts()
    registry = registry_of(launch, a=300, b=300, c=300)
    for name in "abc":
        await load_model(registry, name)
    parts = talk(registry, "c")
    async with aclosing(parts):
        await anext(parts)
        registry.change(config(a={"context": 300}, b={"context": 301}, d={}))
        with pytest.raises(ModelNotFound):
            await load_model(registry, "c")
        assert (await anext(parts)) == (0, Text("Once"))
        assert (await load_model(registry, "a")).engine is launch.started[0]
        assert (await load_model(registry, "b")).engine is launch.started[3]
        assert (await load_model(registry, "d")).engine is launch.started[4]
        assert [script.stopped for script in launch.started[:3]] == [False, True, False]
    assert not evictions(registry)
    await asyncio.sleep(1)
    assert launch.started[2].stopped
    await registry.close()


async def test_keys_that_requests_read_change_without_a_new_worker() -> None:
    launch = Launcher()
    registry = Registry(config(a={}), launch)
    await load_model(registry, "a")
    registry.change(config(a={"aliases": ("x",), "draft_tokens": 3}))
    model = await load_model(registry, "x")
    assert (model.engine, model.entry.draft_tokens) == (launch.started[0], 3)
    await registry.close()


@skips_waits
async def test_a_config_change_during_loading_serves_waiting_requests_first() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = registry_of(launch, a=300)
    first = asyncio.create_task(load_model(registry, "a"))
    await settle(registry, "a:loading")
    registry.change(config(a={"context": 301}))
    second = asyncio.create_task(load_model(registry, "a"))
    await asyncio.sleep(1)
    launch.may_load.set()
    assert (await first).engine is not (await second).engine
    await registry.close()


async def test_removing_a_loading_model_cancels_its_loading() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = registry_of(launch, a={"context": 300, "preload": True}, b=300)
    registry.preload()
    await settle(registry, "a:loading b:unloaded")
    registry.change(config(b={}))
    await until(lambda: not registry.memory.reserved_bytes)
    await registry.close()


async def test_a_changed_entry_resets_its_backoff() -> None:
    launch = Launcher(fails=ModelUnusable("broken"))
    registry = Registry(config(a={}), launch)
    with pytest.raises(ModelUnusable):
        await load_model(registry, "a")
    launch.fails = None
    registry.change(config(a={"context": 512}))
    assert registry.status("a") == Status(State.UNLOADED)
    await load_model(registry, "a")
    await registry.close()


def entries(path: Path, *names: str) -> Config:
    lines = (f"  {n}: {{source: models.yaml, template: smollm2, format: hermes}}" for n in names)
    path.write_text("\n".join(["models:", *lines]))
    return load(path, tuple(FAMILIES)).model_copy(update={"folder": REPO})


@skips_waits
async def test_a_changed_config_file_is_applied_and_an_invalid_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "models.yaml"
    before = entries(path, "a")
    registry, admission = Registry(before, Launcher()), Admission(before)
    watching = asyncio.create_task(watch_config(registry, admission, path))
    entries(path, "a", "b")
    await until(lambda: "b" in registry.config.models)
    async with admission.slot("b"):
        pass
    path.write_text(path.read_text() + "\nhosts: [here]")
    await until(lambda: registry.config.hosts)
    assert "take effect when the gateway restarts" in caplog.text
    path.write_text("models: {a: {sauce: x}}")
    await until(lambda: registry.config_error)
    assert "no such key" in str(registry.config_error)
    assert list(registry.config.models) == ["a", "b"]
    entries(tmp_path / "new.yaml", "c")
    (tmp_path / "new.yaml").replace(path)
    await until(lambda: not registry.config_error)
    assert list(registry.config.models) == ["c"]
    path.unlink()
    await until(lambda: registry.config_error)
    assert list(registry.config.models) == ["c"]
    watching.cancel()


async def test_a_worker_that_dies_mid_stream_is_replaced_by_the_next_request() -> None:
    launch = Launcher()
    registry = Registry(config(a={}), launch)
    await load_model(registry, "a")
    launch.started[0].answers = [ScriptedAnswer(["Once"], fails=EngineDied("gone"))]
    with pytest.raises(EngineDied):
        async for _ in talk(registry, "a"):
            pass
    launch.started[0].is_alive = False
    assert (await load_model(registry, "a")).engine is launch.started[1]
    await registry.close()


async def test_unloading_waits_for_the_requests_of_the_model() -> None:
    launch = Scripts()
    registry = registry_of(launch, a=400)
    parts = talk(registry, "a")
    async with aclosing(parts):
        await anext(parts)
        unloading = asyncio.create_task(registry.unload("a"))
        await settle(registry, "a:draining")
        assert (await anext(parts)) == (0, Text("Once"))
        assert not launch.started[0].stopped
    await unloading
    assert launch.started[0].stopped
    assert states(registry) == "a:unloaded"


async def test_unloading_ends_the_loading_that_no_request_waits_for() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = registry_of(launch, a={"preload": True, "context": 400})
    registry.preload()
    await until(lambda: launch.options)
    await registry.unload("a")
    assert states(registry) == "a:unloaded"
    assert launch.started == []


async def test_requests_that_wait_for_a_model_end_when_the_gateway_shuts_down() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = registry_of(launch, a=400)
    waiting = asyncio.create_task(load_model(registry, "a"))
    await until(lambda: launch.options)
    registry.stop_loading()
    with pytest.raises(ShuttingDown):
        await waiting
    await registry.close()
