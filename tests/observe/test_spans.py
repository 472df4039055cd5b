"""OpenTelemetry: one span for a request that asks a model, with its phases and its tool calls."""

from __future__ import annotations

import json
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.trace import SpanKind, StatusCode

from gateway.errors import EngineDied
from gateway.observe import logs
from gateway.observe.spans import FORCED_TOKENS
from tests.fakes import (
    TOOLS,
    Script,
    ScriptedAnswer,
    call,
    chat,
    gateway,
    scripted,
)

CALLS = "\n".join(call(name, {"city": "Rome"}) for name in ("get_time", "get_weather"))
PHASES = ["queue", "load", "prefill", "decode"]
OUTER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{OUTER}-00f067aa0ba902b7-01"
PUBLISHED = {
    value
    for module in (gen_ai_attributes, error_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def traced(
    exported: InMemorySpanExporter, script: Script, **entry: Any
) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of a gateway that exports its spans."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return gateway(script, tracer_provider=provider, **entry)


def named(exported: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The spans by their names, which all differ."""
    spans = exported.get_finished_spans()
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_has_a_span_with_its_phases(
    exported: InMemorySpanExporter, stream: bool
) -> None:
    script = Script([ScriptedAnswer(["a", CALLS], forced=1)])
    body = chat(tools=TOOLS, stream=stream, temperature=0.5, seed=7)
    async with traced(exported, script) as client:
        await client.post("/chat/completions", json=body)
    spans = named(exported)
    assert sorted(spans) == sorted(["chat m", "POST /v1/chat/completions", *PHASES])
    span = spans["chat m"]
    assert span.kind is SpanKind.INTERNAL
    assert span.parent
    assert span.parent.span_id == spans["POST /v1/chat/completions"].context.span_id
    attributes = dict(span.attributes or {})
    assert attributes.pop("gen_ai.response.time_to_first_chunk") > 0  # type: ignore[operator]
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "tool-gateway",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.95,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.seed": 7,
        "gen_ai.request.frequency_penalty": 0,
        "gen_ai.request.presence_penalty": 0,
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.response.finish_reasons": ("tool_calls",),
        FORCED_TOKENS: 1,
    }
    calls = [dict(event.attributes or {}) for event in span.events]
    assert [one["gen_ai.tool.name"] for one in calls] == ["get_time", "get_weather"]
    assert all(str(one["gen_ai.tool.call.id"]).startswith("call_") for one in calls)
    times = [time for name in PHASES for time in (spans[name].start_time, spans[name].end_time)]
    assert times == sorted(times, key=int)  # type: ignore[arg-type]
    for name in PHASES:
        parent = spans[name].parent
        assert parent
        assert parent.span_id == span.context.span_id


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("completions", {"prompt": "Hello"}, "text_completion m"),
        ("messages", {**chat(), "max_tokens": 9}, "chat m"),
        ("responses", {"input": "Hello"}, "chat m"),
    ],
)
async def test_every_dialect_has_a_span(
    path: str, body: dict[str, Any], name: str, exported: InMemorySpanExporter
) -> None:
    async with traced(exported, Script([scripted("Hi")])) as client:
        await client.post(path, json={"model": "m", **body})
    assert name in named(exported)


async def test_a_response_in_the_background_has_one_span(exported: InMemorySpanExporter) -> None:
    async with traced(exported, Script([scripted("Hi")])) as client:
        asked = await client.post(
            "/responses", json={"model": "m", "input": "Hello", "background": True}
        )
        events = await client.get(f"/responses/{asked.json()['id']}?stream=true")
        assert "response.completed" in events.text
    spans = named(exported)
    assert {"chat m", *PHASES} <= {*spans}
    parent = spans["chat m"].parent
    assert parent
    assert parent.span_id == spans["POST /v1/responses"].context.span_id


async def test_embeddings_have_a_span(exported: InMemorySpanExporter) -> None:
    settings = {"embeddings": True, "template": "gguf", "format": None}
    async with traced(exported, Script([]), **settings) as client:
        answer = await client.post("/embeddings", json={"model": "m", "input": "Hello"})
    assert answer.status_code == 200
    span = named(exported)["embeddings m"]
    assert (span.attributes or {})["gen_ai.usage.input_tokens"] == 7


async def test_attributes_have_published_names(exported: InMemorySpanExporter) -> None:
    async with traced(exported, Script([scripted(CALLS)])) as client:
        await client.post("/chat/completions", json=chat(tools=TOOLS, n=2))
    spans = [one for one in exported.get_finished_spans() if not one.name.startswith("POST")]
    used = {name for span in spans for name in span.attributes or {}}
    used |= {name for span in spans for event in span.events for name in event.attributes or {}}
    assert "gen_ai.request.choice.count" in used
    assert used - PUBLISHED == {FORCED_TOKENS}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failed_request_has_the_error(exported: InMemorySpanExporter, stream: bool) -> None:
    broken = ScriptedAnswer(["a"], None, fails=EngineDied("it died"))
    async with traced(exported, Script([broken])) as client:
        await client.post("/chat/completions", json=chat(stream=stream))
    span = named(exported)["chat m"]
    assert (span.attributes or {})["error.type"] == "engine_died"
    assert span.status.status_code is StatusCode.ERROR


async def test_a_request_that_asks_no_model_has_no_span_of_its_own(
    exported: InMemorySpanExporter,
) -> None:
    async with traced(exported, Script([scripted("Hi")])) as client:
        await client.get("/models")
        await client.get("http://gateway/health")
        await client.get("http://gateway/metrics")
        await client.post("/chat/completions", json=chat(messages=7))
    assert sorted(named(exported)) == ["GET /v1/models", "POST /v1/chat/completions"]


async def test_no_text_of_a_request_is_exported(exported: InMemorySpanExporter) -> None:
    words = [{"role": "user", "content": "a secret"}]
    async with traced(exported, Script([scripted(f"secret {CALLS}")])) as client:
        await client.post("/chat/completions", json=chat(messages=words, tools=TOOLS))
        await client.post("/chat/completions", json=chat(messages="a secret"))
    text = "".join(span.to_json() for span in exported.get_finished_spans())
    assert "secret" not in text
    assert "Rome" not in text


async def test_the_trace_of_the_client_is_continued(
    exported: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.requests")
    async with traced(exported, Script([scripted("Hi")])) as client:
        headers = {"traceparent": TRACEPARENT}
        await client.post("/chat/completions", json=chat(), headers=headers)
    assert {f"{one.context.trace_id:032x}" for one in exported.get_finished_spans()} == {OUTER}
    assert _line(caplog)["trace_id"] == OUTER


@pytest.mark.parametrize(
    ("sent", "expected"), [(TRACEPARENT, OUTER), ("nonsense", None), (None, None)]
)
async def test_the_id_of_the_trace_is_logged_without_an_exporter(
    sent: str | None, expected: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.requests")
    async with gateway(scripted("Hi")) as client:
        headers = {"traceparent": sent} if sent else {}
        await client.post("/chat/completions", json=chat(), headers=headers)
    assert _line(caplog).get("trace_id") == expected


def _line(caplog: pytest.LogCaptureFixture) -> Any:
    [record] = [record for record in caplog.records if record.name == "gateway.requests"]
    return json.loads(logs.as_json().format(record))
