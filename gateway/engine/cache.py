"""Which slot holds which tokens, so that nothing is read twice. Pure: it only decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True, eq=False)
class Slot:
    """One of llama.cpp's sequence ids. Its cells hold `tokens`; `owner` is the sequence's id."""

    id: int
    tokens: list[int] = field(default_factory=list)
    owner: int | None = None
    last_used: int = 0


class Cache:
    """The slots: some run a sequence, the others keep what a finished one has read."""

    def __init__(self, slots: int, cells: int, forgets_tails: bool = True):
        self.cells = cells
        self._slots = [Slot(i) for i in range(slots)]
        self._forgets_tails = forgets_tails
        self._clock = count(1)

    @property
    def used(self) -> int:
        """Cells in use. Shared ones are counted once for each sharer, so never too few."""
        return sum(len(slot.tokens) for slot in self._slots)

    def __getitem__(self, id: int) -> Slot:
        return self._slots[id]

    def best(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """The slot that holds the longest start of `tokens`, and how long it is."""
        matches = [(self._usable(slot, tokens), slot) for slot in self._slots if slot.tokens]
        length, slot = max(matches, key=lambda match: match[0], default=(0, None))
        return (slot, length) if length else (None, 0)

    def _usable(self, slot: Slot, tokens: list[int]) -> int:
        # The last token is always read again: sampling needs the logits behind it.
        length = min(common(slot.tokens, tokens), len(tokens) - 1)
        return length if self._forgets_tails or length == len(slot.tokens) else 0

    def spare(self) -> Slot | None:
        """An empty slot, else the idle one that was used longest ago."""
        return min(self.idle(), key=lambda slot: slot.last_used * bool(slot.tokens), default=None)

    def idle(self) -> Iterable[Slot]:
        return (slot for slot in self._slots if slot.owner is None)

    def oldest_idle_prefix(self) -> Slot | None:
        kept = (slot for slot in self.idle() if slot.tokens)
        return min(kept, key=lambda slot: slot.last_used, default=None)

    def release(self, slot: Slot) -> None:
        """The owner is done: its cells stay as a prefix for others."""
        slot.owner = None
        slot.last_used = next(self._clock)


def common(a: list[int], b: list[int]) -> int:
    """The length of the longest common start.

    >>> common([1, 2, 3], [1, 2, 4, 5])
    2
    """
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle - 1)
    return low
