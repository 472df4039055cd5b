"""Which slot holds which tokens, so that nothing is read twice. Pure: it only decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count


@dataclass(slots=True, eq=False)
class Slot:
    """One of llama.cpp's sequence ids; its `cells` hold `tokens`; `owner` is the sequence's id.

    The first `bound` of them can only be used together.
    """

    id: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    bound: int = 0
    owner: int | None = None
    last_used: int = 0


class Cache:
    """The slots: some run a sequence, the others keep what a finished one has read."""

    def __init__(self, slots: int, cells: int, forgets_tails: bool = True):
        self.cells = cells
        self.forgets_tails = forgets_tails
        self._slots = [Slot(i) for i in range(slots)]
        self._sharers: Counter[int] = Counter()
        self._fresh = count()
        self._clock = count(1)

    def __getitem__(self, id: int) -> Slot:
        return self._slots[id]

    # -- what stands where

    @property
    def used(self) -> int:
        """Cells in use; one that several slots share counts once."""
        return len(self._sharers)

    @property
    def busy(self) -> int:
        """Cells in use by slots that run a sequence."""
        return len(
            set(chain.from_iterable(slot.cells for slot in self._slots if slot.owner is not None))
        )

    def best(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """The slot that holds the longest usable start of `tokens`, and how long it is."""
        matches = ((self._usable(slot, tokens), slot) for slot in self._slots if slot.tokens)
        length, slot = max(matches, key=lambda match: match[0], default=(0, None))
        return (slot, length) if length else (None, 0)

    def nearest(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """The slot that agrees with `tokens` for longest, and for how long."""
        agreements = ((common(slot.tokens, tokens), slot) for slot in self._slots)
        length, slot = max(agreements, key=lambda agreement: agreement[0])
        return (slot, length) if length else (None, 0)

    def _usable(self, slot: Slot, tokens: list[int]) -> int:
        return usable(slot.tokens, tokens, slot.bound if self.forgets_tails else len(slot.tokens))

    def spare(self) -> Slot | None:
        """An empty slot, else the idle one that was used longest ago."""
        return min(self.idle(), key=lambda slot: slot.last_used * bool(slot.tokens), default=None)

    def idle(self) -> Iterable[Slot]:
        return (slot for slot in self._slots if slot.owner is None)

    def oldest_idle_prefix(self) -> Slot | None:
        kept = (slot for slot in self.idle() if slot.tokens)
        return min(kept, key=lambda slot: slot.last_used, default=None)

    # -- what changes

    def read(self, slot: Slot, tokens: list[int]) -> None:
        """`slot` holds more tokens, in cells of their own."""
        cells = [next(self._fresh) for _ in tokens]
        self._sharers.update(cells)
        slot.tokens += tokens
        slot.cells += cells

    def share(self, source: Slot, slot: Slot, length: int) -> None:
        """An empty slot gets the first `length` cells of another."""
        slot.tokens, slot.cells = source.tokens[:length], source.cells[:length]
        slot.bound = source.bound
        self._sharers.update(slot.cells)

    def cut(self, slot: Slot, length: int) -> None:
        """`slot` keeps only its first `length` tokens."""
        for cell in slot.cells[length:]:
            self._sharers[cell] -= 1
            if not self._sharers[cell]:
                del self._sharers[cell]
        del slot.tokens[length:], slot.cells[length:]
        slot.bound = slot.bound if length else 0

    def release(self, slot: Slot) -> None:
        """The owner is done: its cells stay as a prefix for others."""
        slot.owner = None
        slot.last_used = next(self._clock)


def usable(held: list[int], tokens: list[int], bound: int) -> int:
    """How much of the start of `tokens` need not be read if `held` has been, the first as one."""
    # The last token is always read again: sampling needs the logits behind it.
    length = min(common(held, tokens), len(tokens) - 1)
    return length if length >= bound else 0


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
