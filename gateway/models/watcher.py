"""What is seen to all the time: whether models.yaml has changed, and whether models stand idle."""

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

EVERY_S = 0.25


async def upkeep(registry: Registry, admission: Admission, path: Path | None) -> None:
    """Goes on until it is cancelled; without `path` there is no file to look at."""
    file = ConfigFile(path) if path else None
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            registry.unload_idle()
            if file and file.has_changed():
                await _reload(registry, admission, file.path)
        except Exception:
            log.exception("upkeep failed; it goes on")


class ConfigFile:
    """Tells when models.yaml has changed, once for each change, and not while it is written."""

    def __init__(self, path: Path):
        self.path = path
        self._taken: object = None
        self._seen: object = None

    def has_changed(self) -> bool:
        """Whether it is another than before, and the same as at the last look."""
        before, self._seen = self._seen, _marks(self.path)
        is_settled, is_other = self._seen == before, self._seen != self._taken
        if is_settled and is_other:
            self._taken = self._seen
        return is_settled and is_other


def _marks(path: Path) -> object:
    """What changes with a file; editors may write it, or put another in its place."""
    try:
        stat = path.stat()
    except OSError as error:
        return error.errno
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


async def _reload(registry: Registry, admission: Admission, path: Path) -> None:
    try:
        config = await asyncio.to_thread(load, path, tuple(FAMILIES))
    except ConfigError as error:
        log.error("the old models.yaml stays in force: %s", error)
        registry.refusal = str(error)
        return
    if config != registry.config:
        log.info("%s has changed", path)
    if config.startup_only != registry.config.startup_only:
        log.warning("grace_s, hosts, cors and limits.body_mb change when the gateway starts again")
    registry.change(config)
    admission.reload(config)
