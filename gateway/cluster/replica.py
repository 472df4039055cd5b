"""A replica: one gateway with its own workers, called in process instead of over a socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve

from gateway.admission.key_ring import accepted_keys
from gateway.api.responses.ids import ORIGIN
from gateway.api.server.lifespan import lifespan
from gateway.app import create_app
from gateway.cluster.arguments import Settings
from gateway.cluster.call import Call, Part, Whole
from gateway.cluster.exchange import exchange
from gateway.cluster.pinned_cpus import pin
from gateway.cluster.routing.held import HeldPrefixes, kv_tokens
from gateway.config.load import load
from gateway.errors import ModelUnusable
from gateway.formats.families import FAMILIES
from gateway.models.handle import State
from gateway.models.memory_estimate import MB
from gateway.models.registry import Registry
from gateway.observe.logs import set_up

POLL_S = 0.05
RAYS_TIMESTAMP = "_ray_timestamp_ns"  # Ray adds this field to each record of its workers


class Replica:
    """Starts when its preloaded models are loaded: Ray sends no request to it before.

    Loading belongs to the constructor, not to the health check: Ray waits for a constructor as
    long as it takes, but replaces a replica whose health check fails.
    """

    async def __init__(self, settings: Settings):  # type: ignore[misc] # Ray awaits it
        context = serve.get_replica_context()
        self.id = context.replica_id.unique_id
        if settings.pin_cpus:
            cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 1)
            pin(int(cpus), context.rank.local_rank if context.rank else 0)
        set_up(settings.log, logging.INFO)
        _name_log_lines(self.id)
        config = load(settings.config, tuple(FAMILIES))
        models = config.models.values()
        self._held = HeldPrefixes(
            max(kv_tokens(entry.context, entry.prefix_cache.memory_mb) for entry in models)
        )
        self._app = create_app(config, keys=accepted_keys(settings.keys), path=settings.config)
        self._running = AsyncExitStack()
        await self._running.enter_async_context(lifespan(self._app))
        await _preloaded(self._app)

    async def stream(self, call: Call) -> AsyncGenerator[Part, None]:
        """Yields this replica's id at once, and then the messages of its response."""
        yield self.id
        self._held.record(call.key)
        async with aclosing(exchange(self._app, call)) as answer:
            async for messages in answer:
                yield messages

    async def whole(self, call: Call) -> Whole:
        """Returns the whole response to a request that each replica is sent."""
        async with aclosing(exchange(self._app, call)) as answer:
            start, *rest = [message async for messages in answer for message in messages]
        body = b"".join(message.get("body", b"") for message in rest)
        return Whole(self.id, start["status"], start["headers"], body)

    def record_routing_stats(self) -> dict[str, Any]:
        """Ray calls this every `request_routing_stats_period_s`, for the routers."""
        registry: Registry = self._app.state.registry
        models = {
            name: registry.memory_bytes(own) // MB
            for own, entry in registry.config.models.items()
            if registry.is_loaded(own)
            for name in (own, *entry.aliases)
        }
        free_bytes = registry.memory.total_bytes - registry.memory.reserved_bytes
        return self._held.report(models, free_bytes // MB).to_stats()

    def record_replica_metadata(self) -> dict[str, Any]:
        """Ray calls this once, for the routers."""
        return {"origin": ORIGIN}

    async def __del__(self) -> None:
        """Ray calls this when running requests have finished, or have had their time."""
        if hasattr(self, "_running"):
            self._app.state.admission.abort()
            await self._running.aclose()


async def _preloaded(app: FastAPI) -> None:
    """Returns when the preloaded models are loaded; raises ModelUnusable if one can't be."""
    registry: Registry = app.state.registry
    preloaded = [name for name, entry in registry.config.models.items() if entry.preload]
    while pending := [name for name in preloaded if not registry.is_loaded(name)]:
        for name in pending:
            status = registry.status(name)
            if status.state is State.FAILED:
                raise ModelUnusable(f"{name} is not loaded: {status.reason}")
        await asyncio.sleep(POLL_S)


def _name_log_lines(id: str) -> None:
    def named(record: logging.LogRecord) -> bool:
        record.replica = id
        vars(record).pop(RAYS_TIMESTAMP, None)
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(named)
