"""A thread-safe LRU cache, bounded by the total length of its keys."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class LRUCache(Generic[Value]):
    """Values by text key; the least recently used are evicted.

    The bound is `max_chars`, the sum of the lengths of all keys: the values here are derived from
    their keys, so their sizes grow together. Each value counts for `overhead` characters more.

    >>> cache: LRUCache[int] = LRUCache(max_chars=5)
    >>> cache["one"], cache["two"] = 1, 2
    >>> cache.get("one"), cache.get("two")
    (None, 2)
    """

    def __init__(self, max_chars: int, overhead: int = 0):
        self._max_chars = max_chars
        self._overhead = overhead
        self._chars = 0
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        """The value of `key`, which becomes the most recently used; None if it is absent."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def __setitem__(self, key: str, value: Value) -> None:
        """Stores `value`; a key longer than `max_chars` is evicted at once."""
        with self._lock:
            if key not in self._values:
                self._chars += len(key) + self._overhead
            self._values[key] = value
            self._values.move_to_end(key)
            while self._chars > self._max_chars:
                evicted, _ = self._values.popitem(last=False)
                self._chars -= len(evicted) + self._overhead
