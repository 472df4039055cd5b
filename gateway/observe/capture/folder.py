"""Captures as files in a folder."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway.observe.capture.capture import Capture

SUFFIX = ".capture.json"
MAX_FILES = 1000
MAX_BYTES = 512 * 2**20

log = logging.getLogger("gateway")


class CaptureFolder:
    """Writes a file for each capture, up to `max_files` and `max_bytes`; the oldest give way.

    A file that can't be written is left out, with one warning until a write succeeds.
    """

    def __init__(self, path: Path, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES):
        self._path = path
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._has_warned = False

    def write(self, capture: Capture, document: bytes) -> None:
        """Writes the document of a capture."""
        path = self._path / f"{_name(capture)}{SUFFIX}"
        part = path.with_suffix(".part")
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(msgspec.json.format(document, indent=1))
            part.replace(path)
            self._make_room()
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            if not self._has_warned:
                log.warning("requests are not captured: %s", error)
            self._has_warned = True
        else:
            self._has_warned = False

    def _make_room(self) -> None:
        """Deletes the oldest captures, whose names begin with their time."""
        files = sorted(self._path.glob(f"*{SUFFIX}"), reverse=True)
        held = 0
        for i, file in enumerate(files):
            with suppress(FileNotFoundError):  # another thread has deleted it
                held += file.stat().st_size
            if i >= self._max_files or held > self._max_bytes:
                file.unlink(missing_ok=True)


def _name(capture: Capture) -> str:
    id = re.sub(r"[^A-Za-z0-9._-]", "_", capture.id)
    return f"{capture.time:%Y%m%dT%H%M%S.%f}-{id}"
