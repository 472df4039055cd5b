"""The memory budget of all models: reservations, and which models to unload for another."""

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
from gateway.models.handle import ModelHandle, State
from gateway.models.memory_estimate import MB, MemoryEstimate, in_mb

AUTO_SHARE = 3 / 4  # the rest is for the system, other programs, and errors of the estimates
CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reservation:
    """The memory of one model, and whether it can be, or already is being, unloaded."""

    bytes: int
    last_used_s: float
    is_evictable: bool = True
    is_draining: bool = False


def choose_evictions(
    reservations: Mapping[T, Reservation], needed_bytes: int, total_bytes: int
) -> list[T]:
    """Returns the models to unload for `needed_bytes`, the least recently used first.

    Returns none if those that are draining free enough, or if all of them would not.
    """
    reserved_bytes = sum(one.bytes for one in reservations.values() if not one.is_draining)
    free_bytes = total_bytes - reserved_bytes
    evicted = []
    candidates = [k for k, one in reservations.items() if one.is_evictable and not one.is_draining]
    for key in sorted(candidates, key=lambda key: reservations[key].last_used_s):
        if free_bytes >= needed_bytes:
            break
        evicted.append(key)
        free_bytes += reservations[key].bytes
    return evicted if free_bytes >= needed_bytes else []


class MemoryBudget:
    """Reserves memory for models out of `total_bytes`, one request after another.

    `evict` starts to unload a model; its reservation is free after `release`.
    """

    def __init__(self, total_bytes: int, evict: Callable[[ModelHandle], None]):
        self.total_bytes = total_bytes
        self._evict = evict
        self._reserved: dict[ModelHandle, int] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def reserved_bytes(self) -> int:
        return sum(self._reserved.values())

    def held_by(self, handle: ModelHandle) -> int:
        """Returns the bytes that a model has reserved."""
        return self._reserved.get(handle, 0)

    async def reserve(self, handle: ModelHandle, estimate: MemoryEstimate) -> None:
        """Waits until the model fits; raises ModelUnusable if it never will."""
        async with self._turn:
            while self.reserved_bytes + estimate.total > self.total_bytes:
                self._check(estimate)
                for other in choose_evictions(
                    self._reservations(), estimate.total, self.total_bytes
                ):
                    self._evict(other)
                self._changed.clear()
                await self._changed.wait()
            self._reserved[handle] = estimate.total

    def release(self, handle: ModelHandle) -> None:
        """Ends the reservation of a model, if it has one."""
        self._reserved.pop(handle, None)
        self.notify()

    def notify(self) -> None:
        """Makes a waiting reservation look again at what can be unloaded."""
        self._changed.set()

    def resize(self, total_bytes: int) -> None:
        """Changes the budget, and unloads models that no longer fit."""
        self.total_bytes = total_bytes
        for handle in choose_evictions(self._reservations(), 0, total_bytes):
            self._evict(handle)
        self.notify()

    def _reservations(self) -> dict[ModelHandle, Reservation]:
        return {handle: _reservation(handle, size) for handle, size in self._reserved.items()}

    def _check(self, estimate: MemoryEstimate) -> None:
        pinned = sum(
            size
            for handle, size in self._reserved.items()
            if handle.entry.pinned and handle.state in (State.LOADING, State.READY)
        )
        if estimate.total > self.total_bytes - pinned:
            others = f", of which pinned models hold {in_mb(pinned)} MB" if pinned else ""
            raise ModelUnusable(
                f"the model needs about {estimate}, and `memory_mb` in models.yaml allows"
                f" {in_mb(self.total_bytes)} MB for all models{others}; choose a smaller model,"
                " context or prefix_cache, or raise memory_mb",
                code="model_too_large",
            )


def _reservation(handle: ModelHandle, size: int) -> Reservation:
    match handle.state:
        case State.LOADING:
            return Reservation(size, handle.leases.last_used_s, is_evictable=False)
        case State.READY:
            is_evictable = not handle.entry.pinned
            return Reservation(size, handle.leases.last_used_s, is_evictable)
        case State.DRAINING:
            return Reservation(size, handle.leases.last_used_s, is_draining=True)
        case _:  # a dead worker is the first to go
            return Reservation(size, -inf)


def budget_bytes(memory_mb: int | str) -> int:
    """Returns `memory_mb` of models.yaml in bytes; `auto` is a share of the machine's memory."""
    return memory_mb * MB if isinstance(memory_mb, int) else int(machine_bytes() * AUTO_SHARE)


def machine_bytes() -> int:
    """The machine's memory, or the limit of this container."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in CGROUPS:
        with suppress(OSError, ValueError):  # there is no such file, or it says `max`
            memory = min(memory, int(Path(path).read_text()))
    return memory
