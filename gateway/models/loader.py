"""Loads models: downloads files, reserves memory, starts an engine, builds the model."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from gateway.config.load import Entry
from gateway.engine.client import OnLoading
from gateway.engine.engine import Engine, WorkerEngine
from gateway.engine.options import EngineOptions
from gateway.errors import ConfigError, ModelUnavailable, ModelUnusable
from gateway.hub.messages import Progress
from gateway.hub.progress_lines import ProgressLines
from gateway.models.build import chat_model, connect, engine_options, fetch_files, model_of
from gateway.models.handle import ModelHandle
from gateway.models.memory_budget import MemoryBudget
from gateway.models.memory_estimate import MemoryEstimate
from gateway.models.model import Model
from gateway.models.progress import downloading, loading

log = logging.getLogger("gateway")

Launch: TypeAlias = Callable[[EngineOptions, OnLoading], Awaitable[WorkerEngine]]
EstimateMemory: TypeAlias = Callable[[EngineOptions], MemoryEstimate]


class Loader:
    """Loads models with the engines that `launch` starts, within `memory`.

    Without `estimate_memory` no memory is reserved.
    """

    def __init__(
        self, launch: Launch, estimate_memory: EstimateMemory | None, memory: MemoryBudget
    ):
        self._launch = launch
        self._estimate_memory = estimate_memory
        self._memory = memory

    async def load(
        self, name: str, entry: Entry, folder: Path, handle: ModelHandle, tally: Counter[str]
    ) -> Model:
        """Loads the model of an entry; raises ModelUnusable, which names the entry, and others."""
        log.info("loading %s from %s", name, entry.source)
        engine: Engine
        build: Callable[[], Model]
        try:
            if entry.is_remote:
                engine = remote = await connect(name, entry, folder)
                build = partial(chat_model, name, entry, remote, folder, tally)
            else:
                engine = worker = await self._start(name, entry, folder, handle)
                build = partial(model_of, name, entry, worker, folder, tally)
        except (ModelUnusable, ConfigError) as error:
            raise _of_entry(name, error) from error
        except OSError as error:
            raise ModelUnavailable(f"models.{name}: can't start a worker: {error}") from error
        try:
            # Probing a template takes a tenth of a second, in which streams go on.
            return await asyncio.to_thread(build)
        except ConfigError as error:
            await engine.stop()
            raise ModelUnusable(f"models.{name}: {error}") from error
        except BaseException:
            await engine.stop()
            raise

    async def _start(
        self, name: str, entry: Entry, folder: Path, handle: ModelHandle
    ) -> WorkerEngine:
        lines = ProgressLines()

        def on_download(progress: Progress) -> None:
            handle.progress = downloading(progress)
            if line := lines.next(progress):
                log.info("downloading %s: %s", name, line)

        def on_loading(share: float) -> None:
            handle.progress = loading(share)

        path, lora = await fetch_files(entry, folder, on_download)
        handle.progress = None
        options = engine_options(entry, path, folder, lora, name=name)
        if self._estimate_memory:
            estimate = await asyncio.to_thread(self._estimate_memory, options)
            await self._memory.reserve(handle, estimate)
        return await self._launch(options, on_loading)


def _of_entry(name: str, error: ModelUnusable | ConfigError) -> ModelUnusable:
    """The error of an entry, which its message names."""
    message = f"models.{name}: {error}"
    return error.reworded(message) if isinstance(error, ModelUnusable) else ModelUnusable(message)
