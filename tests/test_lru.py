from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.lru import LRUCache


@given(st.lists(st.text("ab", max_size=6)))
def test_the_keys_of_the_cache_stay_within_its_bound(keys: list[str]) -> None:
    cache: LRUCache[int] = LRUCache(max_chars=10)
    for i, key in enumerate(keys):
        cache[key] = i
        assert sum(len(one) for one in set(keys) if cache.get(one) is not None) <= 10


def test_the_least_recently_used_value_is_evicted() -> None:
    cache: LRUCache[int] = LRUCache(max_chars=2)
    cache["a"], cache["b"] = 1, 2
    assert cache.get("a") == 1
    cache["c"] = 3
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_a_key_longer_than_the_bound_is_not_stored() -> None:
    cache: LRUCache[int] = LRUCache(max_chars=2)
    cache["abc"] = 1
    assert cache.get("abc") is None


def test_each_value_counts_for_its_overhead() -> None:
    cache: LRUCache[int] = LRUCache(max_chars=6, overhead=2)
    cache["a"], cache["b"], cache["c"] = 1, 2, 3
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, 2, 3)
