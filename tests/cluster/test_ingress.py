"""What the ingress does itself, before and after replicas answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from starlette.datastructures import Headers

from gateway.admission.api_keys import new_key
from gateway.api.server.lifespan import lifespan
from gateway.cluster.arguments import Settings
from gateway.cluster.call import Call, Part, Whole
from gateway.cluster.ingress import Ingress

KEY, KEY_LINE = new_key("one", 1, None)


class Answer:
    """What Ray returns for a call of a generator."""

    def __init__(self, parts: list[Part | Exception]):
        self.is_cancelled = False
        self._parts = self._yielded(parts)

    async def _yielded(self, parts: list[Part | Exception]) -> AsyncGenerator[Part, None]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    def __aiter__(self) -> AsyncGenerator[Part, None]:
        return self._parts

    async def __anext__(self) -> Part:
        return await anext(self._parts)

    def cancel(self) -> None:
        self.is_cancelled = True


class Handle:
    """A deployment handle whose replicas give `parts`, or all of them `wholes`."""

    def __init__(self, *parts: Part | Exception, wholes: list[Whole | Exception] | None = None):
        self._parts = list(parts)
        self._wholes = wholes or []
        self.calls: list[Call] = []
        self.answers: list[Answer] = []

    def options(self, *, stream: bool) -> Handle:
        assert stream
        return self

    @property
    def stream(self) -> Handle:
        return self

    def remote(self, call: Call) -> Answer:
        self.calls.append(call)
        self.answers.append(Answer(self._parts))
        return self.answers[-1]

    def broadcast(self, method: str, call: Call) -> Handle:
        assert method == "whole"
        self.calls.append(call)
        return self

    async def results_async(self, **_: Any) -> list[Whole | Exception]:
        if not self._wholes:
            raise RayServeException
        return self._wholes


def done(text: bytes = b"{}") -> list[Any]:
    start = {"type": "http.response.start", "status": 200, "headers": []}
    return ["a", [start, {"type": "http.response.body", "body": text}]]


def application(handle: Handle, tmp_path: Path, *, keys: bool = False) -> FastAPI:
    config = tmp_path / "models.yaml"
    config.write_text("models: {m: {source: m.gguf}}\nlimits: {body_mb: 1}\n")
    key_file = tmp_path / "keys"
    key_file.write_text(f"{KEY_LINE}\n")
    settings = Settings(config=config, keys=key_file if keys else None)
    return Ingress(handle, settings).__serve_build_asgi_app__()  # type: ignore[arg-type]


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def ingress(handle: Handle, tmp_path: Path, *, keys: bool = False) -> httpx.AsyncClient:
    return client(application(handle, tmp_path, keys=keys))


async def test_a_request_reaches_a_replica_as_it_was_sent(tmp_path: Path) -> None:
    handle = Handle(*done(b"answer"))
    async with ingress(handle, tmp_path) as http:
        answer = await http.post("/v1/chat/completions?a=1", content=b"[]", headers={"x-a": "b"})
    assert (answer.text, answer.headers["x-replica"]) == ("answer", "a")
    [call] = handle.calls
    assert (call.body, call.scope["query_string"], call.scope["path"]) == (
        b"[]",
        b"a=1",
        "/v1/chat/completions",
    )
    assert call.scope["client"] == ("127.0.0.1", 123)
    headers = Headers(raw=call.scope["headers"])
    assert (headers["x-a"], headers["host"]) == ("b", "localhost")
    assert handle.answers[0].is_cancelled  # which has no effect on an answer that is complete


async def test_keys_and_their_limits_hold_for_all_replicas_together(tmp_path: Path) -> None:
    handle, known = Handle(*done()), {"authorization": f"Bearer {KEY}"}
    async with ingress(handle, tmp_path, keys=True) as http:
        statuses = [
            (await http.post("/v1/messages", headers=headers)).status_code
            for headers in ({}, known, known)
        ]
    assert statuses == [401, 200, 429]
    assert len(handle.calls) == 1


async def test_a_changed_key_file_takes_effect(tmp_path: Path) -> None:
    app = application(Handle(*done()), tmp_path, keys=True)
    secret, line = new_key("two", None, None)
    async with lifespan(app), client(app) as http, asyncio.timeout(30):
        (tmp_path / "keys").write_text(f"{line}\n")
        is_known = False
        while not is_known:
            await asyncio.sleep(0.05)
            is_known = (await http.get("/v1/models", headers={"x-api-key": secret})).is_success
        assert (await http.get("/v1/models", headers={"x-api-key": KEY})).status_code == 401


async def test_a_body_that_is_too_large_takes_no_replica(tmp_path: Path) -> None:
    handle = Handle(*done())
    async with ingress(handle, tmp_path) as http:
        answer = await http.post("/api/chat", content=b" " * (2**20 + 1))
    assert answer.status_code == 413
    assert "error" in answer.json()
    assert not handle.calls


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
async def test_web_pages_of_others_take_no_replica(tmp_path: Path, headers: dict[str, str]) -> None:
    handle = Handle(*done())
    async with ingress(handle, tmp_path) as http:
        assert (await http.post("/v1/messages", headers=headers)).status_code == 403
    assert not handle.calls


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BackPressureError(1, 1), 429),
        (RayServeException(), 503),
        (ActorDiedError(), 503),
        (RayTaskError("stream", "a traceback", ValueError("a fault")), 500),
    ],
)
async def test_what_ray_raises_is_an_error_of_the_dialect(
    tmp_path: Path, error: Exception, status: int
) -> None:
    async with ingress(Handle(error), tmp_path) as http:
        answer = await http.post("/v1/messages")
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert ("retry-after" in answer.headers) == (status != 500)
    assert "fault" not in answer.text


async def test_liveness_is_that_of_the_ingress(tmp_path: Path) -> None:
    async with ingress(Handle(), tmp_path) as http:
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503


async def test_one_replica_that_answers_makes_the_cluster_ready(tmp_path: Path) -> None:
    handle = Handle(wholes=[ActorDiedError(), Whole("b", 200, [], b"{}")])
    async with ingress(handle, tmp_path) as http:
        assert (await http.head("/readyz")).status_code == 200
    assert handle.calls[0].scope["method"] == "GET"


async def test_what_a_replica_rejects_is_not_merged(tmp_path: Path) -> None:
    handle = Handle(wholes=[Whole("a", 200, [], b""), Whole("b", 403, [], b"no")])
    async with ingress(handle, tmp_path) as http:
        answer = await http.get("/metrics")
    assert (answer.status_code, answer.text) == (403, "no")


async def test_a_trace_goes_on_in_the_replica(tmp_path: Path) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    handle = Handle(*done())
    with TracerProvider().get_tracer("t").start_as_current_span("of the ingress") as span:
        async with ingress(handle, tmp_path) as http:
            await http.post("/v1/messages", headers={"traceparent": given})
    [sent] = Headers(raw=handle.calls[0].scope["headers"]).getlist("traceparent")
    assert sent.split("-")[2] == f"{span.get_span_context().span_id:016x}"
