"""`GET /metrics` counts requests, tokens, calls, loads and worker statistics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from docs.generate.metrics import as_markdown
from gateway.engine.engine import EngineStats
from gateway.errors import EngineDied, ModelUnusable
from gateway.models.registry import Registry
from gateway.observe.metrics import Metrics
from tests.api.samples import scrape
from tests.clock import skips_waits
from tests.fakes import (
    TOOLS,
    RawClient,
    Script,
    ScriptedAnswer,
    app,
    call,
    chat,
    config,
    gateway,
    scripted,
    until,
)
from tests.models.launcher import load

PAGE = Path(__file__).parent.parent.parent / "docs" / "metrics.md"
CALL = call("get_time", {"city": "Rome"})
CHAT = "/v1/chat/completions"


async def test_requests_are_counted_by_route_model_and_status() -> None:
    async with gateway(scripted("Hi")) as client:
        for body in (chat(), chat(), chat(model="nobody"), chat(messages=7)):
            await client.post("/chat/completions", json=body)
        await client.get("/models/m")
        await client.get("/nowhere/1")
        await client.get("/nowhere/2")
        told = await scrape(client)
    asked = {name: count for name, count in told.items() if name.startswith("requests_total")}
    assert asked == {
        f"requests_total{{model=m,route={CHAT},status=200}}": 2,
        f"requests_total{{model=,route={CHAT},status=404}}": 1,
        f"requests_total{{model=,route={CHAT},status=400}}": 1,
        "requests_total{model=m,route=/v1/models/{name:path},status=200}": 1,
        "requests_total{model=,route=other,status=404}": 2,
    }
    assert told[f"request_duration_seconds_count{{model=m,route={CHAT}}}"] == 2
    assert told["requests_in_progress"] == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_token_counters_equal_the_usage(stream: bool) -> None:
    script = Script([ScriptedAnswer(["a", "b", "c"], forced=2)])
    async with gateway(script) as client:
        for answers in (1, 2):
            await client.post("/chat/completions", json=chat(stream=stream, n=answers))
        told = await scrape(client)
    assert told["prompt_tokens_total{model=m}"] == 2 * 7
    assert told["prompt_cached_tokens_total{model=m}"] == 2 * 3
    assert told["generated_tokens_total{model=m}"] == 3 * 3
    assert told["forced_tokens_total{model=m}"] == 3 * 2
    assert told["answers_total{finish=stop,model=m}"] == 3
    assert told["time_to_first_token_seconds_count{model=m}"] == 2


async def test_each_prompt_of_a_request_is_counted_once() -> None:
    async with gateway(Script([scripted(text) for text in ("a", "b", "c", "d")])) as client:
        await client.post("/completions", json={"model": "m", "prompt": ["x", "y"], "n": 2})
        told = await scrape(client)
    assert told["prompt_tokens_total{model=m}"] == 2 * 7
    assert told["prompt_cached_tokens_total{model=m}"] == 2 * 3


async def test_calls_are_counted_by_outcome() -> None:
    answers = [
        scripted(f"{CALL}\n{CALL}"),
        scripted(CALL[:40], finish="length"),
        scripted(f"{CALL[:40]},"),
    ]
    async with gateway(Script(answers)) as client:
        for _ in answers:
            await client.post("/chat/completions", json=chat(tools=TOOLS))
        told = await scrape(client)
    assert told["calls_total{model=m,outcome=whole}"] == 2
    assert told["calls_total{model=m,outcome=truncated}"] == 1
    assert told["calls_total{model=m,outcome=refused}"] == 1
    assert told["calls_total{model=m,outcome=repaired}"] == 0


async def test_failed_answer_counts_as_unfinished_with_its_tokens() -> None:
    broken = ScriptedAnswer(["a", "b"], None, fails=EngineDied("it died"))
    async with gateway(broken) as client:
        await client.post("/chat/completions", json=chat(stream=True))
        told = await scrape(client)
    assert told["answers_total{finish=unfinished,model=m}"] == 1
    assert told["generated_tokens_total{model=m}"] == 2


@skips_waits
async def test_disconnect_is_counted_as_status_499() -> None:
    script = Script([ScriptedAnswer(["a"], None)])
    served = app(script)
    async with served.router.lifespan_context(served):
        visitor = RawClient(served, chat())
        visit = asyncio.create_task(visitor.run())
        await until(lambda: script.running == 1)
        await asyncio.sleep(1)  # its first piece arrives
        visitor.gone.set()
        await visit
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport) as client:
            told = await scrape(client)
    assert told[f"requests_total{{model=m,route={CHAT},status=499}}"] == 1
    assert told["answers_total{finish=unfinished,model=m}"] == 1
    assert told["generated_tokens_total{model=m}"] == 1


async def test_worker_statistics_are_exported() -> None:
    stats = EngineStats(2, 1, 300, 4, 12.5, 50, 80, 3, 0.25)
    script = Script([scripted("Hi")], stats=stats, resident_bytes=2**20)
    async with gateway(script) as client:
        before = await scrape(client)
        await client.post("/chat/completions", json=chat())
        told = await scrape(client)
    states = [sample for sample in before if sample.startswith("model_state")]
    assert [(s, before[s], told[s]) for s in states if before[s] or told[s]] == [
        ("model_state{model=m,state=unloaded}", 1, 0),
        ("model_state{model=m,state=ready}", 0, 1),
    ]
    assert (before["config_refused"], told["config_refused"]) == (0, 0)
    assert told["sequences_running{model=m}"] == 2
    assert told["sequences_waiting{model=m}"] == 1
    assert told["context_used_tokens{model=m}"] == 300
    assert told["context_tokens{model=m}"] == 4096
    assert told["idle_prefixes{model=m}"] == 4
    assert told["tokens_per_second{model=m}"] == 12.5
    assert told["steps_total{model=m}"] == 50
    assert told["masks_total{model=m}"] == 3
    assert told["mask_seconds_total{model=m}"] == 0.25
    assert told["worker_resident_memory_bytes{model=m}"] == 2**20


async def test_loads_and_restarts_are_counted() -> None:
    script, faults = Script([scripted("Hi")]), [ModelUnusable("no memory")]

    async def launch(*_: object) -> Script:
        if faults:
            raise faults.pop()
        script.is_alive = True
        return script

    now_s = [0.0]
    registry = Registry(config(), launch, clock=lambda: now_s[0], metrics=Metrics())
    with pytest.raises(ModelUnusable):
        await load(registry, "m")
    now_s[0] += 1
    await load(registry, "m")
    script.is_alive = False
    await load(registry, "m")
    families = {family.name: family for family in registry.metrics.collect()}
    told = {s.name: s.value for family in families.values() for s in family.samples}
    assert told["tool_gateway_model_load_seconds_count"] == 2
    assert told["tool_gateway_model_load_failures_total"] == 1
    assert told["tool_gateway_worker_restarts_total"] == 1


async def test_two_gateways_have_separate_counters() -> None:
    async with gateway(scripted("Hi")) as one, gateway(scripted("Hi")) as other:
        await one.post("/chat/completions", json=chat())
        counted = "generated_tokens_total{model=m}"
        assert counted in await scrape(one)
        assert counted not in await scrape(other)


async def test_exported_metrics_are_those_of_the_page() -> None:
    names = {line.split("`")[1] for line in as_markdown().splitlines() if line[:3] == "| `"}
    async with gateway(scripted("Hi")) as client:
        families = text_string_to_metric_families((await client.get("http://gateway/metrics")).text)
        told = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert told == names


def test_metrics_page_is_up_to_date() -> None:
    assert PAGE.read_text() == as_markdown(), "python -m docs.generate.metrics > docs/metrics.md"


async def test_openmetrics_format_is_returned_on_accept() -> None:
    kind = "application/openmetrics-text; version=1.0.0"
    async with gateway(scripted("Hi")) as client:
        await client.post("/chat/completions", json=chat())
        answer = await client.get("http://gateway/metrics", headers={"accept": kind})
    assert answer.headers["content-type"].startswith(kind)
    assert list(openmetrics.text_string_to_metric_families(answer.text))  # type: ignore[no-untyped-call]
