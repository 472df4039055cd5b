"""Builds the ASGI application: the one place that wires all rooms together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from opentelemetry.trace import TracerProvider

from gateway.admission.admission import Admission
from gateway.admission.key_ring import KeyRing
from gateway.api import errors, metrics
from gateway.api import openapi as document
from gateway.api.anthropic import routes as anthropic
from gateway.api.captures import routes as captures
from gateway.api.management import documentation, health, loading
from gateway.api.middleware.capture import CaptureRequests
from gateway.api.middleware.protect import protect
from gateway.api.middleware.request_log import RequestLog
from gateway.api.ollama import models as ollama_models
from gateway.api.ollama import routes as ollama
from gateway.api.openai import chat, embeddings, models
from gateway.api.openai.completions import routes as completions
from gateway.api.playground import routes as playground
from gateway.api.prompts import render, tokenize
from gateway.api.responses import routes as responses
from gateway.api.responses.stored import routes as stored_responses
from gateway.api.responses.stored.background import BackgroundRuns
from gateway.api.responses.stored.opening import open_store
from gateway.api.signing import Signer
from gateway.api.telemetry import telemetry
from gateway.config.load import Config
from gateway.engine.client import Client
from gateway.generate import constraint
from gateway.models.loader import EstimateMemory, Launch
from gateway.models.memory_estimate import estimate_memory
from gateway.models.registry import Registry
from gateway.models.watcher import watch_config
from gateway.observe.capture.folder import CaptureFolder
from gateway.observe.capture.latest import LatestCaptures
from gateway.observe.metrics import Metrics
from gateway.observe.spans import Spans
from gateway.pool.budget import Budget
from gateway.pool.pool import Pool, ProcessPool

ROUTES = (
    *(chat, render, responses, stored_responses, completions, anthropic, ollama),
    *(ollama_models, embeddings, tokenize, models, loading),
    *(health, metrics, captures, documentation, playground),
)


def create_app(
    config: Config,
    launch: Launch = Client.start,
    keys: KeyRing | None = None,
    *,
    estimate: EstimateMemory = estimate_memory,
    pool: Pool | None = None,
    path: Path | None = None,
    log_prompts: bool = False,
    is_local: bool = False,
    capture_folder: Path | None = None,
    tracer_provider: TracerProvider | None = None,
) -> FastAPI:
    """The application that serves the models of `config`.

    If there are `keys`, requests need one of these API keys. `launch` starts the worker of a
    model, and `estimate` tells how much memory it needs. `pool` compiles the schemas of clients;
    without one there are processes for that. If `path` is set, changes to that
    models.yaml are applied while the gateway runs. `log_prompts` adds prompts and answers to the
    log. `is_local` says that only this machine can reach the gateway. A capture of each request
    is written to `capture_folder`. OpenTelemetry's spans go to `tracer_provider`, by default to
    what the variables `OTEL_*` configure.
    """
    spans = Spans(tracer_provider)
    counts, admission, keys = Metrics(), Admission(config), keys or KeyRing()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = app.state.responses = open_store(config.responses, config.folder)
        budget = Budget(config.limits.schema_cpu_s, config.limits.schema_memory_mb)
        jobs = pool or ProcessPool(budget, modules=(constraint.__name__,))
        jobs.warm()
        registry = app.state.registry = Registry(config, launch, estimate, jobs, metrics=counts)
        runs = app.state.runs = BackgroundRuns(counts, spans, store)
        app.state.signer = Signer(store.key)
        registry.preload()
        watches = (watch_config(registry, admission, path), keys.watch(), runs.beat())
        watching = [asyncio.create_task(watch) for watch in watches]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await runs.close()
            store.close()
            await registry.close()
            await jobs.close()

    app = FastAPI(
        title="tool-gateway",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=telemetry(tracer_provider),
    )
    app.state.admission = admission
    has_playground = config.playground
    if has_playground is None:
        has_playground = is_local and not keys.limits
    app.state.playground = has_playground
    app.state.captures = LatestCaptures()
    folder = CaptureFolder(capture_folder) if capture_folder else None
    app.add_middleware(CaptureRequests, app.state.captures, folder, keeps_all=has_playground)
    protect(app, config, keys, admission)
    app.add_middleware(
        RequestLog, metrics=counts, spans=spans, log_prompts=log_prompts
    )  # added last, so outermost
    errors.install(app)
    for module in ROUTES:
        app.include_router(module.router)
    document.install(app)
    return app
