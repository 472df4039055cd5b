"""The ingress: passes each request to a replica, or to all, and streams the answer back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from opentelemetry import propagate
from ray.serve.handle import DeploymentHandle
from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.key_ring import accepted_keys
from gateway.api import errors
from gateway.api.management import health
from gateway.api.middleware.protect import protect
from gateway.api.telemetry import telemetry
from gateway.cluster import merge
from gateway.cluster.arguments import Settings
from gateway.cluster.call import Call, Whole, passed
from gateway.cluster.delivery import Delivery
from gateway.cluster.replicas import Replicas
from gateway.cluster.routing.key import routing_key
from gateway.config.load import load
from gateway.formats.families import FAMILIES

ALL_S = 5.0  # for the answers of all replicas

Merge = Callable[[Sequence[Whole]], Response]
MERGES: dict[str, Merge] = {
    "/metrics": merge.metrics,
    "/health": merge.health,
    "/readyz": merge.first_success,
}


class Ingress:
    """Checks keys and the sizes of bodies itself, so that what it rejects takes no replica."""

    def __init__(self, replicas: DeploymentHandle[object], settings: Settings):
        self._replicas = replicas
        self._settings = settings

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Ray Serve calls this for the ASGI application of the deployment."""
        settings = self._settings
        config = load(settings.config, tuple(FAMILIES))
        keys = accepted_keys(settings.keys)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            watching = asyncio.create_task(keys.watch())
            yield
            watching.cancel()

        app = FastAPI(lifespan=lifespan, openapi_url=None, telemetry=telemetry())
        protect(app, config, keys, Admission(config))
        errors.install(app)
        app.get("/livez")(health.livez)
        app.mount("/", Dispatch(Replicas(self._replicas)))
        return app


class Dispatch:
    """An ASGI application that has `replicas` answer."""

    def __init__(self, replicas: Replicas):
        self._replicas = replicas

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        copied = _traced(passed(scope))
        if merged := MERGES.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None:
            response = await self._all(Call(_as_plain_get(copied), body), merged, ALL_S)
            await response(scope, receive, send)
        elif scope["method"] == "POST" and _is_for_all(scope["path"]):
            response = await self._all(Call(copied, body), merge.worst)
            await response(scope, receive, send)
        else:
            key = routing_key(scope["path"], scope["headers"], body)
            await Delivery(self._replicas.ask, Call(copied, body, key)).run(send)

    async def _all(self, call: Call, merged: Merge, timeout_s: float | None = None) -> Response:
        """Returns one response for those of all replicas; raises GatewayError."""
        answers = await self._replicas.ask_all(call, timeout_s)
        rejected = [one for one in answers if one.status >= 400]
        if rejected and merged in (merge.metrics, merge.health):
            return merge.as_response(rejected[0])
        return merged(answers)


def _is_for_all(path: str) -> bool:
    """Whether a POST concerns all replicas: loading and unloading a model."""
    return path.startswith("/v1/models/") and path.endswith(("/load", "/unload"))


def _as_plain_get(scope: dict[str, Any]) -> dict[str, Any]:
    """The request whose answers can be merged: with a body, and metrics in the plain format."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
    return {**scope, "method": "GET", "headers": headers}


def _traced(scope: dict[str, Any]) -> dict[str, Any]:
    """`scope` with the current span in its `traceparent`, so that the replica's spans are below."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    MutableHeaders(scope=scope).update(carrier)
    return scope
