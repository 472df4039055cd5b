"""The memory that models may take: who holds how much of it, and who leaves for whom."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TypeVar

from gateway.errors import ModelUnusable
from gateway.models.handle import Seat
from gateway.models.memory_estimate import MB, Footprint, in_mb

SHARE = 3 / 4  # the rest is for the system, other programs, and what an estimate leaves out
CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """What one model holds; `stays` if it can't be asked to leave, `leaves` if it was."""

    size: int
    last_s: float
    stays: bool = False
    leaves: bool = False


def leavers(shares: Mapping[T, Share], needed: int, total: int) -> list[T]:
    """Whom to ask to leave, so that there will be room: who was last used longest ago goes first.

    Nobody, if those who leave already are enough, or all of them would not be.
    """
    room = total - sum(share.size for share in shares.values() if not share.leaves)
    asked = []
    can_go = [key for key, share in shares.items() if not share.stays and not share.leaves]
    for key in sorted(can_go, key=lambda key: shares[key].last_s):
        if room >= needed:
            break
        asked.append(key)
        room += shares[key].size
    return asked if room >= needed else []


class Memory:
    """Gives models their shares of `total` bytes, one after another, in the order they come in.

    `evict` asks one to leave; its share is free when it is released.
    """

    def __init__(self, total: int, evict: Callable[[Seat], None]):
        self.total = total
        self._evict = evict
        self._held: dict[Seat, int] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def held(self) -> int:
        return sum(self._held.values())

    async def claim(self, seat: Seat, needed: Footprint) -> None:
        """Wait for room; raises ModelUnusable if there can be none."""
        async with self._turn:
            while self.held + needed.total > self.total:
                self._check(needed)
                for other in leavers(self._shares(), needed.total, self.total):
                    self._evict(other)
                self._changed.clear()
                await self._changed.wait()
            self._held[seat] = needed.total

    def release(self, seat: Seat) -> None:
        self._held.pop(seat, None)
        self.look_again()

    def look_again(self) -> None:
        """Something has changed for whoever waits."""
        self._changed.set()

    def resize(self, total: int) -> None:
        self.total = total
        for seat in leavers(self._shares(), 0, total):
            self._evict(seat)
        self.look_again()

    def _shares(self) -> dict[Seat, Share]:
        return {seat: _share(seat, size) for seat, size in self._held.items()}

    def _check(self, needed: Footprint) -> None:
        shares = self._shares()
        kept = sum(shares[seat].size for seat in shares if seat.entry.pinned and shares[seat].stays)
        if needed.total > self.total - kept:
            others = f", of which pinned models hold {in_mb(kept)} MB" if kept else ""
            raise ModelUnusable(
                f"it needs about {needed}, and `memory_mb` in models.yaml lets models take"
                f" {in_mb(self.total)} MB{others}; take a smaller model, context or prefix_cache,"
                " or raise memory_mb",
                code="model_too_large",
            )


def _share(seat: Seat, size: int) -> Share:
    """A worker that has died leaves before any other."""
    last_s = seat.use.last_s if seat.is_ready else -inf
    stays = seat.is_loading or (seat.is_ready and seat.entry.pinned)
    return Share(size, last_s, stays, seat.is_leaving)


def in_bytes(memory_mb: int | str) -> int:
    """What `memory_mb` of models.yaml means here; `auto` is a share of the machine's memory."""
    return memory_mb * MB if isinstance(memory_mb, int) else int(_machine() * SHARE)


def _machine() -> int:
    """The machine's memory, or as much as this container may take of it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in CGROUPS:
        with suppress(OSError, ValueError):  # there is none, or it says `max`
            memory = min(memory, int(Path(path).read_text()))
    return memory
