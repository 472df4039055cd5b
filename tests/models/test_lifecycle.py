"""Models share a memory and a models.yaml that changes, and no answer suffers from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from gateway.admission.admission import Admission
from gateway.chat.events import AnswerEvent, Text
from gateway.chat.messages import Speech
from gateway.chat.request import Request
from gateway.config.load import Config, load
from gateway.engine.options import EngineOptions
from gateway.errors import EngineDied, ModelNotFound, ModelUnusable
from gateway.formats.families import FAMILIES
from gateway.generate.chat import answer
from gateway.models.handle import Status
from gateway.models.memory_estimate import MB, Footprint
from gateway.models.model import ChatModel
from gateway.models.registry import Registry
from gateway.models.watcher import ConfigFile, upkeep
from tests.fakes import REPO, Says, Script
from tests.models.launcher import Launcher, config

ASKED = Request("m", (Speech("user", "Hello"),))
OPEN = Says(["Once"], finish=None)


class Scripts(Launcher):
    """Answers that stay open, and loading that waits until `may_load`."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = asyncio.Event()
        self.may_load.set()

    async def __call__(self, start: EngineOptions) -> Script:
        self.asked.append(start)
        await self.may_load.wait()
        self.started.append(Script([OPEN]))
        return self.started[-1]


def weigh(start: EngineOptions) -> Footprint:
    """As many MB as it has tokens of context."""
    return Footprint(weights=start.context * MB, worker=0)


def crowd(launch: Scripts, memory_mb: int = 1000, **entries: int | dict[str, object]) -> Registry:
    """A registry of models that take so many MB."""
    sized = {n: {"context": e} if isinstance(e, int) else e for n, e in entries.items()}
    whole = config(**sized).model_copy(update={"memory_mb": memory_mb})
    return Registry(whole, launch, weigh)


async def talk(registry: Registry, name: str) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """An answer of the model's, as a route asks for it."""
    model = await registry.get(name)
    assert isinstance(model, ChatModel)
    with model.use:
        async with aclosing(await answer(ASKED, model)) as parts:
            async for part in parts:
                yield part


def evictions(registry: Registry) -> dict[str, float]:
    """How often each model was counted to be unloaded for others, or for being idle."""
    samples = (sample for family in registry.metrics.collect() for sample in family.samples)
    counted = [s for s in samples if s.name == "tool_gateway_model_evictions_total"]
    return {sample.labels["model"]: sample.value for sample in counted}


def states(registry: Registry) -> str:
    return " ".join(f"{name}:{registry.status(name).state}" for name in registry.config.models)


async def settle(registry: Registry, wanted: str) -> None:
    """Wait until the models are as wanted."""
    await until(lambda: states(registry) == wanted)


async def until(is_so: Callable[[], object]) -> None:
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def test_models_that_fit_are_loaded_side_by_side_and_stay() -> None:
    registry = crowd(Scripts(), a=500, b=500)
    await asyncio.gather(registry.get("a"), registry.get("b"))
    assert states(registry) == "a:ready b:ready"
    assert registry.memory.held == 1000 * MB
    await registry.close()


async def test_who_was_last_used_longest_ago_leaves_for_who_is_asked_for() -> None:
    registry = crowd(Scripts(), a=400, b=400, c=400)
    for name in "abac":
        with (await registry.get(name)).use:
            pass
    await settle(registry, "a:ready b:unloaded c:ready")
    assert evictions(registry) == {"b": 1}
    await registry.close()


async def test_what_runs_ends_before_its_model_leaves() -> None:
    launch = Scripts()
    registry = crowd(launch, a=600, b=600)
    parts = talk(registry, "a")
    async with aclosing(parts):
        await anext(parts)
        waiting = asyncio.create_task(registry.get("b"))
        await settle(registry, "a:draining b:loading")
        assert (await anext(parts)) == (0, Text("Once"))
        again = asyncio.create_task(registry.get("a"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert (len(launch.started), launch.started[0].stopped) == (1, False)
    with (await waiting).use:
        assert launch.started[0].stopped
        assert not again.done()
    assert (await again).engine is launch.started[2]
    await registry.close()


async def test_a_crowd_that_takes_turns_is_served_whole() -> None:
    registry = crowd(Scripts(), a=600, b=600)

    async def ask(name: str) -> str:
        with (await registry.get(name)).use as _:
            assert registry.memory.held <= 1000 * MB
            await asyncio.sleep(0)
        return name

    async with asyncio.timeout(30):
        asked = [ask("ab"[i % 2]) for i in range(20)]
        assert len(await asyncio.gather(*asked)) == 20
    await registry.close()


async def test_a_pinned_model_stays_and_who_can_not_fit_is_told_the_numbers() -> None:
    registry = crowd(Scripts(), a={"context": 600, "pinned": True}, b=500, c=2000)
    with (await registry.get("a")).use:
        pass
    told = r"models.b: it needs about 500 MB \(500 for weights\), .* take 1,000 MB, of which pinned"
    with pytest.raises(ModelUnusable, match=told) as caught:
        await registry.get("b")
    assert (caught.value.status, caught.value.code) == (424, "model_too_large")
    with pytest.raises(ModelUnusable, match="needs about 2,000 MB"):
        await registry.get("c")
    assert states(registry) == "a:ready b:failed c:failed"
    await registry.close()


async def test_others_are_answered_while_a_model_loads() -> None:
    launch = Scripts()
    registry = crowd(launch, a=300, b=300)
    await registry.get("a")
    parts = talk(registry, "a")
    async with aclosing(parts):
        launch.may_load.clear()
        loading = asyncio.create_task(registry.get("b"))
        await settle(registry, "a:ready b:loading")
        await anext(parts)
        assert (await anext(parts)) == (0, Text("Once"))
        launch.may_load.set()
        assert (await loading).name == "b"
    await registry.close()


async def test_a_dead_worker_gives_its_memory_back() -> None:
    launch = Scripts()
    registry = crowd(launch, a={"context": 600, "pinned": True}, b=600)
    await registry.get("a")
    launch.started[0].is_alive = False
    assert "its worker died" in registry.status("a").reason
    assert (await registry.get("b")).name == "b"
    await registry.close()


async def test_an_idle_model_is_unloaded_when_its_time_is_up() -> None:
    now_s = [0.0]
    entries = config(a={"idle_s": 5}, b={"idle_s": 5, "pinned": True}, c={})
    registry = Registry(entries, Launcher(), clock=lambda: now_s[0])
    for name in "abc":
        with (await registry.get(name)).use:
            now_s[0] += 4
            registry.unload_idle()
    now_s[0] += 4
    registry.unload_idle()
    await settle(registry, "a:unloaded b:ready c:ready")
    assert evictions(registry) == {"a": 1}
    await registry.close()


# -- a models.yaml that changes


async def test_what_changes_is_replaced_what_goes_drains_and_the_rest_is_untouched() -> None:
    launch = Scripts()
    registry = crowd(launch, a=300, b=300, c=300)
    for name in "abc":
        with (await registry.get(name)).use:
            pass
    parts = talk(registry, "c")
    async with aclosing(parts):
        await anext(parts)
        registry.change(config(a={"context": 300}, b={"context": 301}, d={}))
        with pytest.raises(ModelNotFound):
            await registry.get("c")
        assert (await anext(parts)) == (0, Text("Once"))
        assert (await registry.get("a")).engine is launch.started[0]
        assert (await registry.get("b")).engine is launch.started[3]
        assert (await registry.get("d")).engine is launch.started[4]
        assert [script.stopped for script in launch.started[:3]] == [False, True, False]
    assert not evictions(registry)
    await asyncio.sleep(0.01)
    assert launch.started[2].stopped
    await registry.close()


async def test_what_only_requests_look_at_changes_without_another_worker() -> None:
    launch = Launcher()
    registry = Registry(config(a={}), launch)
    await registry.get("a")
    registry.change(config(a={"aliases": ("x",), "draft_tokens": 3}))
    model = await registry.get("x")
    assert (model.engine, model.entry.draft_tokens) == (launch.started[0], 3)
    await registry.close()


async def test_a_change_while_a_model_loads_serves_who_waited_and_then_replaces_it() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = crowd(launch, a=300)
    first = asyncio.create_task(registry.get("a"))
    await settle(registry, "a:loading")
    registry.change(config(a={"context": 301}))
    second = asyncio.create_task(registry.get("a"))
    await asyncio.sleep(0.01)
    launch.may_load.set()
    assert (await first).engine is not (await second).engine
    await registry.close()


async def test_a_model_that_goes_before_it_is_loaded_is_not_waited_for() -> None:
    launch = Scripts()
    launch.may_load.clear()
    registry = crowd(launch, a={"context": 300, "preload": True}, b=300)
    registry.preload()
    await settle(registry, "a:loading b:unloaded")
    registry.change(config(b={}))
    await until(lambda: not registry.memory.held)
    await registry.close()


async def test_a_failure_is_forgotten_when_its_entry_changes() -> None:
    launch = Launcher(fails=ModelUnusable("broken"))
    registry = Registry(config(a={}), launch)
    with pytest.raises(ModelUnusable):
        await registry.get("a")
    launch.fails = None
    registry.change(config(a={"context": 512}))
    assert registry.status("a") == Status("unloaded")
    await registry.get("a")
    await registry.close()


def entries(path: Path, *names: str) -> Config:
    lines = (f"  {n}: {{source: models.yaml, template: smollm2, format: hermes}}" for n in names)
    path.write_text("\n".join(["models:", *lines]))
    return load(path, tuple(FAMILIES)).model_copy(update={"folder": REPO})


async def test_a_changed_file_takes_effect_and_a_wrong_one_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "models.yaml"
    before = entries(path, "a")
    registry, admission = Registry(before, Launcher()), Admission(before)
    keeping_up = asyncio.create_task(upkeep(registry, admission, path))
    entries(path, "a", "b")
    await until(lambda: "b" in registry.config.models)
    async with admission.slot("b"):
        pass
    path.write_text(path.read_text() + "\nhosts: [here]")
    await until(lambda: registry.config.hosts)
    assert "change when the gateway starts again" in caplog.text
    path.write_text("models: {a: {sauce: x}}")
    await until(lambda: registry.refusal)
    assert "no such key" in str(registry.refusal)
    assert list(registry.config.models) == ["a", "b"]
    entries(tmp_path / "new.yaml", "c")
    (tmp_path / "new.yaml").replace(path)
    await until(lambda: not registry.refusal)
    assert list(registry.config.models) == ["c"]
    path.unlink()
    await until(lambda: registry.refusal)
    assert list(registry.config.models) == ["c"]
    keeping_up.cancel()


def test_a_file_is_read_once_it_is_no_longer_written(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("a")
    file = ConfigFile(path)
    assert [file.has_changed() for _ in range(3)] == [False, True, False]
    for text in ("ab", "abc", "abcd"):
        path.write_text(text)
        assert not file.has_changed()
    assert [file.has_changed() for _ in range(3)] == [True, False, False]


async def test_a_worker_that_dies_amid_an_answer_is_replaced_at_the_next_request() -> None:
    launch = Launcher()
    registry = Registry(config(a={}), launch)
    await registry.get("a")
    launch.started[0].answers = [Says(["Once"], fails=EngineDied("gone"))]
    with pytest.raises(EngineDied):
        async for _ in talk(registry, "a"):
            pass
    launch.started[0].is_alive = False
    assert (await registry.get("a")).engine is launch.started[1]
    await registry.close()
