"""Reloads models.yaml when it changes, and unloads idle models."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from gateway.admission.admission import Admission
from gateway.config.load import load
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.models.registry import Registry

log = logging.getLogger("gateway")

INTERVAL_S = 0.25


async def watch_config(
    registry: Registry, admission: Admission, path: Path | None, interval_s: float = INTERVAL_S
) -> None:
    """Runs until it is cancelled; without `path` only idle models are unloaded."""
    file = ConfigFile(path) if path else None
    while True:
        await asyncio.sleep(interval_s)
        try:
            registry.unload_idle()
            if file and file.has_changed():
                await _reload(registry, admission, file.path)
        except Exception:
            log.exception("watching models.yaml failed; trying again")


class ConfigFile:
    """Detects changes of models.yaml: each one once, and not while the file is being written."""

    def __init__(self, path: Path):
        self.path = path
        self._reported: object = None
        self._last: object = None

    def has_changed(self) -> bool:
        """Whether there is a change to report: a new file, unchanged since the last call."""
        before, self._last = self._last, _fingerprint(self.path)
        is_settled, is_new = self._last == before, self._last != self._reported
        if is_settled and is_new:
            self._reported = self._last
        return is_settled and is_new


def _fingerprint(path: Path) -> object:
    """Changes with the file: editors may write to it, or replace it."""
    try:
        stat = path.stat()
    except OSError as error:
        return error.errno
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


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
