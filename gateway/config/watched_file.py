"""A file that is read again when it has changed."""

from __future__ import annotations

from pathlib import Path


class WatchedFile:
    """Detects changes of a file: each one once, and not while the file is being written."""

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
