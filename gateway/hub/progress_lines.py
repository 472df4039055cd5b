"""Says how far a download is, in a line for each tenth. Pure."""

from __future__ import annotations

from gateway.hub.messages import Progress
from gateway.hub.sizes import progress_text

LINES = 10


class ProgressLines:
    """Turns the progress of downloads, which comes several times a second, into few lines."""

    def __init__(self) -> None:
        self._total_bytes = -1
        self._tenths = -1

    def next(self, progress: Progress) -> str | None:
        """The line, if another tenth of the same download has arrived since the last one."""
        tenths = LINES * progress.done_bytes // max(1, progress.total_bytes)
        if progress.total_bytes == self._total_bytes and tenths <= self._tenths:
            return None
        self._total_bytes, self._tenths = progress.total_bytes, tenths
        return text_of(progress)


def text_of(progress: Progress) -> str:
    """The progress in a phrase."""
    return progress_text(progress.done_bytes, progress.total_bytes, progress.bytes_per_s)
