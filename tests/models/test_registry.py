"""The registry loads models on demand, once, and again after their worker died."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.load import Config, Entry
from gateway.engine.client import OnLoading
from gateway.engine.options import CacheOffload, EngineOptions
from gateway.errors import (
    ConfigError,
    DownloadFailed,
    ModelNotFound,
    ModelUnavailable,
    ModelUnusable,
    RemoteFailed,
)
from gateway.formats.families import FAMILIES
from gateway.models.build import check_template, template_source
from gateway.models.handle import State, Status
from gateway.models.registry import Registry
from tests.fakes import INFO, REPO, Script, chat, gateway, scripted
from tests.models.launcher import Launcher, config, load
from tests.prompt.chatml import CALLS, CHATML


def named(template: str, text: str, folder: Path) -> Config:
    """A model whose entry names a template with this text, and no format."""
    (folder / "templates").mkdir()
    (folder / "templates" / f"{template}.jinja").write_text(text)
    (folder / "a.gguf").touch()
    return Config(models={"a": Entry(source="a.gguf", template=template)}, folder=folder)


@pytest.mark.parametrize(
    ("text", "format"), [(CHATML.replace("SAYS", CALLS), "hermes"), ("{{ messages }}", "hermes")]
)
async def test_a_format_is_detected_from_the_template_if_none_is_named(
    text: str, format: str, tmp_path: Path
) -> None:
    registry = Registry(named("mine", text, tmp_path), Launcher())
    assert registry.format_name("a") is None
    assert (await load(registry, "a")).format == FAMILIES[format]
    assert registry.format_name("a") == format


async def test_a_template_without_evidence_of_a_format_requires_one(tmp_path: Path) -> None:
    ours = CHATML.replace("SAYS", "{{ message | turn }}")
    with pytest.raises(ModelUnusable, match="whichever format it is given; set `format`"):
        await load(Registry(named("ours", ours, tmp_path), Launcher()), "a")


async def test_concurrent_requests_load_a_model_once() -> None:
    launch = Launcher()
    registry = Registry(config(a={"aliases": ("x",)}), launch)
    models = await asyncio.gather(*(load(registry, name) for name in ["a", "x"] * 10))
    assert len(launch.started) == 1
    assert all(model is models[0] for model in models)


async def test_different_models_load_concurrently() -> None:
    launch = Launcher()
    registry = Registry(config(a={}, b={}), launch)
    a, b = await asyncio.gather(load(registry, "a"), load(registry, "b"))
    assert (a.name, b.name) == ("a", "b")
    assert len(launch.started) == 2


async def test_a_dead_worker_is_replaced() -> None:
    launch = Launcher()
    registry = Registry(config(a={}), launch)
    await load(registry, "a")
    launch.started[0].is_alive = False
    assert not registry.is_loaded("a")
    model, same = await asyncio.gather(load(registry, "a"), load(registry, "a"))
    assert model is same
    assert model.engine is launch.started[1]
    assert registry.is_loaded("a")


async def test_loading_is_retried_with_exponential_backoff() -> None:
    now_s = [100.0]
    launch = Launcher(fails=ModelUnusable("no memory"))
    registry = Registry(config(a={}, b={}), launch, clock=lambda: now_s[0])
    for wait_s in (1, 2, 4):
        with pytest.raises(ModelUnusable, match=r"no memory$"):
            await load(registry, "a")
        assert registry.status("a") == Status(State.FAILED, "models.a: no memory")
        now_s[0] += wait_s - 0.1
        with pytest.raises(ModelUnusable, match="no memory; correct this, then retry in a second"):
            await load(registry, "a")
        now_s[0] += 0.2
    assert len(launch.options) == 3
    launch.fails = None
    await load(registry, "b")
    await load(registry, "a")
    assert registry.status("a") == Status(State.READY)


async def test_transient_failure_says_when_to_retry() -> None:
    now_s = [100.0]
    launch = Launcher(fails=ModelUnavailable("no memory"))
    registry = Registry(config(a={}), launch, clock=lambda: now_s[0])
    for wait_s in (1, 2, 4):
        with pytest.raises(ModelUnavailable, match=r"no memory$"):
            await load(registry, "a")
        with pytest.raises(ModelUnavailable, match="no memory; retry in ") as told:
            await load(registry, "a")
        assert (told.value.status, told.value.retry_after_s) == (503, wait_s)
        now_s[0] += wait_s


@pytest.mark.parametrize(
    ("error", "preload", "is_reloaded"),
    [
        (ModelUnavailable("no memory"), True, True),
        (DownloadFailed("no network"), True, True),
        (RemoteFailed("no server"), True, True),
        (ModelUnusable("no GGUF"), True, False),
        (ModelUnavailable("no memory"), False, False),
    ],
)
async def test_preloaded_model_is_loaded_again_if_its_failure_may_have_passed(
    error: Exception, preload: bool, is_reloaded: bool
) -> None:
    now_s = [100.0]
    launch = Launcher(fails=error)
    registry = Registry(config(a={"preload": preload}), launch, clock=lambda: now_s[0])
    with pytest.raises(type(error)):
        await load(registry, "a")
    launch.fails = None
    registry.reload_failed()
    assert registry.status("a").state == State.FAILED
    now_s[0] += 1
    registry.reload_failed()
    assert (registry.status("a").state == State.LOADING) == is_reloaded
    await registry.close()


async def test_the_code_of_a_failure_stays_the_same_until_the_retry() -> None:
    launch = Launcher(fails=DownloadFailed("no network"))
    registry = Registry(config(a={}), launch)
    for _ in range(2):
        with pytest.raises(DownloadFailed, match=r"models\.a: no network") as caught:
            await load(registry, "a")
        assert caught.value.code == "download_failed"
    assert len(launch.options) == 1


async def test_a_cancelled_request_does_not_cancel_loading() -> None:
    registry = Registry(config(a={}), Launcher())
    first = asyncio.create_task(load(registry, "a"))
    second = asyncio.create_task(load(registry, "a"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "a"


async def test_closing_stops_every_worker() -> None:
    launch = Launcher()
    registry = Registry(config(a={}, b={}, c={}), launch)
    await load(registry, "a")
    await load(registry, "b")
    await registry.close()
    assert [script.stopped for script in launch.started] == [True, True]
    assert not registry.is_loaded("a")


async def test_only_models_with_preload_are_preloaded() -> None:
    registry = Registry(config(a={"preload": True}, b={}), Launcher())
    registry.preload()
    assert registry.status("a") == Status(State.LOADING)
    await load(registry, "a")
    assert not registry.is_loaded("b")


async def test_an_unknown_model_error_lists_the_known_models() -> None:
    registry = Registry(config(a={}, b={}), Launcher())
    with pytest.raises(ModelNotFound, match=r"no model 'c'; models.yaml has 'a', 'b'"):
        await load(registry, "c")


async def test_the_engine_options_follow_the_entry() -> None:
    launch = Launcher()
    keeping = {"memory_mb": 1, "folder": "prefixes", "folder_mb": 2}
    entry = {"context": 512, "gpu_layers": 3, "threads": 2, "prefix_cache": keeping}
    await load(Registry(config(a=entry), launch), "a")
    kept = CacheOffload(2**20, str(REPO / "prefixes"), 2**21)
    await load(Registry(config(a={**entry, "threads": "auto"}), launch), "a")
    fixed = EngineOptions(str(REPO / "models.yaml"), 512, 3, 2, cache_offload=kept, name="a")
    assert launch.options == [fixed, msgspec.structs.replace(fixed, threads=None)]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"source": "no/such.gguf"}, "there is no file"),
        ({"source": "package:no_such_package/x.gguf"}, "no installed package"),
        ({"template": "no_such"}, "there are gguf, chatml"),
        ({"template": "gguf"}, "has no chat template"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_unusable_model_is_a_424_that_clients_do_not_retry(
    entry: dict[str, Any], words: str, stream: bool
) -> None:
    script = Script([scripted("Hi")])
    async with gateway(script, **entry) as client:
        answer = await client.post("/chat/completions", json=chat(stream=stream))
    assert answer.status_code == 424
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == "model_unusable"
    assert words in error["message"]


async def test_a_missing_template_stops_the_worker() -> None:
    launch = Launcher()
    with pytest.raises(ModelUnusable, match=r"models\.a"):
        await load(Registry(config(a={"template": "no_such"}), launch), "a")
    assert launch.started[0].stopped


def test_the_gguf_tool_template_has_priority() -> None:
    inside = {"default": "plain", "tool_use": "with tools"}
    assert template_source("gguf", inside, REPO) == "with tools"
    assert template_source("gguf", {"default": "plain"}, REPO) == "plain"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ messages[0].content }}", "does not show tools"),
        ("{% for %}", "not Jinja"),
        ("{{ raise_exception('no tools') if tools }}", "does not show tools"),
    ],
)
def test_a_template_that_hides_tools_is_a_config_error(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mine.jinja").write_text(text)
    with pytest.raises(ConfigError, match=words):
        check_template(Entry(source="x", template="mine", format="hermes"), tmp_path)


def test_the_templates_in_this_repository_show_tools() -> None:
    for path in (REPO / "templates").glob("*.jinja"):
        check_template(Entry(source="x", template=path.stem, format="hermes"), REPO)


@pytest.mark.parametrize(
    ("compute", "offloaded", "entry", "is_warned"),
    [
        ("CPU, 2 threads", 0, {"gpu_layers": 20}, True),
        ("CPU, 2 threads", 0, {"gpu_layers": -1}, True),
        ("CPU, 2 threads", 0, {"gpu_layers": 0}, False),
        ("CPU, 2 threads", 0, {}, False),
        ("20/29 layers on CUDA0", 20, {"gpu_layers": 20}, False),
    ],
)
async def test_log_says_what_computes_and_warns_of_gpu_layers_without_effect(
    compute: str,
    offloaded: int,
    entry: dict[str, Any],
    is_warned: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "gateway")
    described = msgspec.structs.replace(
        INFO, compute=compute, weights="Q4_1, 97 MB", offloaded_layers=offloaded
    )

    async def launch(_: EngineOptions, __: OnLoading) -> Script:
        return Script([scripted("Hi")], described)

    await load(Registry(config(a=entry), launch, clock=lambda: 1.0), "a")
    facts = f"{compute}, Q4_1, 97 MB, context 4096, loaded in 0.0 s"
    assert f"a is ready: {facts}" in caplog.text
    assert ("has no effect" in caplog.text) == is_warned
