"""Reloads models.yaml when it changes and models that failed, and unloads idle models."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from gateway.admission.admission import Admission
from gateway.config.load import load
from gateway.config.watched_file import WatchedFile
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.models.registry import Registry

log = logging.getLogger("gateway")

INTERVAL_S = 0.25


async def watch_config(
    registry: Registry, admission: Admission, path: Path | None, interval_s: float = INTERVAL_S
) -> None:
    """Runs until it is cancelled; without `path` only models are loaded and unloaded."""
    file = WatchedFile(path) if path else None
    while True:
        await asyncio.sleep(interval_s)
        try:
            registry.unload_idle()
            registry.reload_failed()
            if file and file.has_changed():
                await _reload(registry, admission, file.path)
        except Exception:
            log.exception("watching models.yaml failed; trying again")


async def _reload(registry: Registry, admission: Admission, path: Path) -> None:
    try:
        config = await asyncio.to_thread(load, path, tuple(FAMILIES))
    except ConfigError as error:
        log.error("models.yaml is invalid, so the previous one stays in use: %s", error)
        registry.config_error = str(error)
        return
    if config != registry.config:
        log.info("%s has changed", path)
    if config.startup_only != registry.config.startup_only:
        log.warning(
            "grace_s, hosts, cors, responses and the limits of bodies take effect when the"
            " gateway restarts"
        )
    registry.change(config)
    admission.reload(config)
