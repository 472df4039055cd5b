"""Sizes and rates in words. Pure."""

from __future__ import annotations

STEP = 1000


def size_text(size: float) -> str:
    """A number of bytes with its unit: 512 B, 98 MB, 4.7 GB."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= STEP and len(units) > 1:
        size /= STEP
        units.pop(0)
    decimals = 1 if units[0] in ("GB", "TB") else 0
    return f"{size:.{decimals}f} {units[0]}"


def progress_text(done_bytes: float, total_bytes: float, bytes_per_s: float = 0.0) -> str:
    """How far a download is, in one phrase: 25 % of 4.7 GB, 31 MB/s, 2 min left."""
    share = done_bytes / total_bytes if total_bytes else 1.0
    text = f"{share:.0%} of {size_text(total_bytes)}"
    if bytes_per_s and done_bytes < total_bytes:
        left_s = (total_bytes - done_bytes) / bytes_per_s
        text += f", {size_text(bytes_per_s)}/s, {_duration(left_s)} left"
    return text.replace("%", " %")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.0f} h"
