"""The API keys that are valid while the gateway runs, with their limits."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from gateway.admission.api_keys import Key, read_keys
from gateway.admission.rate_limit import RateLimit
from gateway.config.watched_file import WatchedFile
from gateway.errors import ConfigError

log = logging.getLogger("gateway")

INTERVAL_S = 0.25
VARIABLE = "TOOL_GATEWAY_KEYS"  # the environment variable that may have the lines of a key file


class KeyRing:
    """`keys`, and those of the file at `path`, which `watch` reads again when it changes.

    `limits` has the limits of each key; it is empty if requests need no key. Raises ConfigError
    for a file that can't be read or has no key.
    """

    def __init__(self, keys: tuple[Key, ...] = (), path: Path | None = None):
        self._keys = keys
        self._path = path
        self.limits: dict[Key, RateLimit] = {}
        self._apply(self._read())

    async def watch(self, interval_s: float = INTERVAL_S) -> None:
        """Runs until it is cancelled. If a changed file is invalid, the keys remain as they are."""
        if self._path is None or not self._path.is_file():  # a pipe can be read only once
            return
        file = WatchedFile(self._path)
        while True:
            await asyncio.sleep(interval_s)
            if file.has_changed():
                try:
                    self._apply(await asyncio.to_thread(self._read))
                except ConfigError as error:
                    log.error("the keys remain as they are: %s", error)

    def _read(self) -> tuple[Key, ...]:
        if self._path is None:
            return self._keys
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ConfigError(f"cannot read {self._path}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"cannot read {self._path}: {error}") from error
        return self._keys + read_keys(lines, str(self._path))

    def _apply(self, keys: tuple[Key, ...]) -> None:
        """Makes `keys` the valid ones; those that were valid keep their counts of requests."""
        before = self.limits
        self.limits = {key: before.get(key) or RateLimit(key) for key in keys}
        if before and before.keys() != self.limits.keys():
            log.info("%s has changed: %d keys are valid", self._path, len(keys))


def accepted_keys(path: Path | None) -> KeyRing:
    """The keys of TOOL_GATEWAY_KEYS and of the file at `path`; raises ConfigError."""
    variable = os.environ.get(VARIABLE, "").replace(",", "\n")
    keys = read_keys(variable.splitlines(), VARIABLE) if variable.strip() else ()
    return KeyRing(keys, path)
