"""How far a model is on its way from the hub into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.hub.messages import Progress as Download


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """What is being done to a model that loads, and how much of that is done, from 0 to 1.

    The bytes and their rate are those of a download; they are None otherwise.
    """

    stage: Literal["downloading", "loading"]
    share: float
    done_bytes: int | None = None
    total_bytes: int | None = None
    bytes_per_s: float | None = None


def downloading(progress: Download) -> LoadProgress:
    """The progress of a download."""
    done, total = progress.done_bytes, progress.total_bytes
    share = done / total if total else 1.0
    return LoadProgress("downloading", share, done, total, progress.bytes_per_s)


def loading(share: float) -> LoadProgress:
    """The progress of a worker that loads `share` of a file so far."""
    return LoadProgress("loading", share)
