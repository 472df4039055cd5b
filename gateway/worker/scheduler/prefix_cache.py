"""Which slot of the KV cache holds which tokens, so that no prefix is computed twice. Pure.

It mirrors what llama.cpp holds and decides what to reuse; it moves no data itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain, count


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id of llama.cpp, which holds `tokens` in the KV cells with the indices `cells`.

    `owner` is the id of the sequence that runs in it. Without an owner it is idle, and `tokens` is
    a cached prefix. Fewer than the first `min_prefix` tokens can't be reused.
    """

    id: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    min_prefix: int = 0
    owner: int | None = None
    last_used: int = 0


class PrefixCache:
    """The slots that share `kv_cells` cells. A new token takes the free cell with the lowest index.

    Unless the model `can_truncate` a sequence, the tokens of a slot are reused all or not at all.
    Source: llama_kv_cache::find_slot, which begins at the lowest cell that is free.
    """

    def __init__(self, slots: int, kv_cells: int, can_truncate: bool = True):
        self.kv_cells = kv_cells
        self.can_truncate = can_truncate
        self._slots = [Slot(i) for i in range(slots)]
        self._users = [0] * kv_cells  # the number of slots that share each cell
        self._free = [*range(kv_cells)]  # a heap
        self._clock = count(1)

    def __getitem__(self, id: int) -> Slot:
        return self._slots[id]

    # -- what it holds

    @property
    def used_cells(self) -> int:
        """Cells in use; a cell that several slots share counts once."""
        return self.kv_cells - len(self._free)

    @property
    def running_cells(self) -> int:
        """Cells in use by slots that run a sequence."""
        running = (slot.cells for slot in self._slots if slot.owner is not None)
        return len(set(chain.from_iterable(running)))

    @property
    def free_cells(self) -> int:
        return len(self._free)

    def is_in_order(self, slot: Slot) -> bool:
        """Whether the cell of the next token has a higher index than all cells of `slot`.

        It has if those are in order, unless a cell below the last of them was freed.
        """
        return not (slot.cells and self._free) or self._free[0] > slot.cells[-1]

    def shared_cells(self, slot: Slot) -> int:
        """How many cells of `slot` other slots share."""
        return sum(self._users[cell] > 1 for cell in slot.cells)

    def longest_prefix(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """The slot with the longest reusable prefix of `tokens`, and the length of that."""
        matches = ((self._reusable(slot, tokens), slot) for slot in self._slots if slot.tokens)
        length, slot = max(matches, key=lambda match: match[0], default=(0, None))
        return (slot, length) if length else (None, 0)

    def longest_match(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """The slot whose tokens agree with `tokens` for longest, reusable or not."""
        matches = ((common_length(slot.tokens, tokens), slot) for slot in self._slots)
        length, slot = max(matches, key=lambda match: match[0])
        return (slot, length) if length else (None, 0)

    def _reusable(self, slot: Slot, tokens: list[int]) -> int:
        min_prefix = slot.min_prefix if self.can_truncate else len(slot.tokens)
        return reusable_length(slot.tokens, tokens, min_prefix)

    def free_slot(self) -> Slot | None:
        """An empty slot, otherwise the least recently used idle one."""
        return min(
            self.idle_slots(), key=lambda slot: slot.last_used * bool(slot.tokens), default=None
        )

    def idle_slots(self) -> Iterable[Slot]:
        return (slot for slot in self._slots if slot.owner is None)

    def lru_prefix(self) -> Slot | None:
        """The least recently used idle slot that holds a prefix."""
        prefixes = (slot for slot in self.idle_slots() if slot.tokens)
        return min(prefixes, key=lambda slot: slot.last_used, default=None)

    # -- changes

    def append(self, slot: Slot, tokens: list[int]) -> None:
        """Add tokens to `slot`, in new cells."""
        slot.cells += self._take_cells(len(tokens))
        slot.tokens += tokens

    def share(self, source: Slot, slot: Slot, length: int) -> None:
        """Share the first `length` cells of `source` with an empty slot."""
        slot.tokens, slot.cells = source.tokens[:length], source.cells[:length]
        slot.min_prefix = source.min_prefix
        for cell in slot.cells:
            self._users[cell] += 1

    def truncate(self, slot: Slot, length: int) -> None:
        """Remove all but the first `length` tokens of `slot`."""
        self._free_cells(slot.cells[length:])
        del slot.tokens[length:], slot.cells[length:]
        slot.min_prefix = slot.min_prefix if length else 0

    def release(self, slot: Slot) -> None:
        """Make `slot` idle; its tokens stay as a prefix."""
        slot.owner = None
        slot.last_used = next(self._clock)

    def move(self, slots: Iterable[Slot]) -> None:
        """Move the tokens of `slots` to free cells, in order. No other slot shares them then."""
        for slot in slots:
            self._free_cells(slot.cells)
        for slot in slots:
            slot.cells = self._take_cells(len(slot.tokens))

    def _take_cells(self, number: int) -> list[int]:
        cells = [heappop(self._free) for _ in range(number)]
        for cell in cells:
            self._users[cell] = 1
        return cells

    def _free_cells(self, cells: Iterable[int]) -> None:
        for cell in cells:
            self._users[cell] -= 1
            if not self._users[cell]:
                heappush(self._free, cell)


def reusable_length(cached: list[int], tokens: list[int], min_prefix: int) -> int:
    """How many of `tokens` need no computing when `cached` is, of which `min_prefix` is the least.

    The last of `tokens` is always computed again: sampling needs its logits.
    """
    length = min(common_length(cached, tokens), len(tokens) - 1)
    return length if length >= min_prefix else 0


def starts_with(tokens: list[int], prefix: list[int]) -> bool:
    length = len(prefix)
    has_last = 0 < length <= len(tokens) and tokens[length - 1] == prefix[-1]  # most lack it
    return not prefix or (has_last and tokens[:length] == prefix)


def common_length(a: list[int], b: list[int]) -> int:
    """The length of the longest common prefix.

    >>> common_length([1, 2, 3], [1, 2, 4, 5])
    2
    """
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle - 1)
    return low
