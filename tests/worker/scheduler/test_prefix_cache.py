from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.worker.scheduler.prefix_cache import PrefixCache, common_length

tokens = st.lists(st.integers(0, 2), max_size=12)


@given(tokens, tokens)
def test_common_length_is_where_two_lists_first_differ(a: list[int], b: list[int]) -> None:
    length = common_length(a, b)
    assert a[:length] == b[:length]
    assert length == min(len(a), len(b)) or a[length] != b[length]


def cache(*slots: list[int], can_truncate: bool = True) -> PrefixCache:
    prefixes = PrefixCache(len(slots), kv_cells=100, can_truncate=can_truncate)
    for id, tokens in enumerate(slots):
        prefixes.append(prefixes[id], tokens)
        prefixes.release(prefixes[id])
    return prefixes


def test_the_longest_prefix_is_found() -> None:
    prefixes = cache([1, 2], [1, 2, 3, 4], [1, 9])
    assert prefixes.longest_prefix([1, 2, 3, 5]) == (prefixes[1], 3)


def test_the_last_token_is_never_reused() -> None:
    prefixes = cache([1, 2, 3])
    assert prefixes.longest_prefix([1, 2, 3]) == (prefixes[0], 2)
    assert prefixes.longest_prefix([1]) == (None, 0)


def test_without_a_common_prefix_there_is_no_slot() -> None:
    assert cache([1, 2], []).longest_prefix([3, 4]) == (None, 0)


def test_a_prefix_that_can_not_be_truncated_is_reused_whole_or_not_at_all() -> None:
    prefixes = cache([1, 2, 3], [1], can_truncate=False)
    assert prefixes.longest_prefix([1, 2, 9]) == (prefixes[1], 1)
    assert prefixes.longest_prefix([1, 2, 3, 4]) == (prefixes[0], 3)


def test_an_empty_slot_is_preferred_to_the_least_recently_used_one() -> None:
    prefixes = cache([1], [], [2])
    assert prefixes.free_slot() is prefixes[1]
    prefixes[1].owner = 5
    assert prefixes.free_slot() is prefixes[0]
    prefixes[0].owner = prefixes[2].owner = 6
    assert prefixes.free_slot() is None


def test_the_lru_prefix_has_cells_and_no_owner() -> None:
    prefixes = cache([1], [], [2])
    prefixes[0].owner = 5
    assert prefixes.lru_prefix() is prefixes[2]
    prefixes[2].owner = 6
    assert prefixes.lru_prefix() is None


def test_no_less_than_min_prefix_is_reused() -> None:
    prefixes = cache([1, 2, 3, 4])
    prefixes[0].min_prefix = 3
    assert prefixes.longest_prefix([1, 2, 9, 9]) == (None, 0)
    assert prefixes.longest_prefix([1, 2, 3, 9]) == (prefixes[0], 3)
    prefixes.truncate(prefixes[0], 0)
    prefixes.append(prefixes[0], [1, 2])
    assert prefixes.longest_prefix([1, 9, 9]) == (prefixes[0], 1)


def test_a_slot_is_in_order_unless_a_cell_below_its_last_was_freed() -> None:
    prefixes = cache([1, 2, 3], [4, 5])
    assert prefixes.is_in_order(prefixes[0])
    assert prefixes.is_in_order(prefixes[1])
    prefixes.truncate(prefixes[0], 2)
    assert prefixes.is_in_order(prefixes[0])
    assert not prefixes.is_in_order(prefixes[1])


def test_moved_slots_are_in_order_and_share_no_cells() -> None:
    prefixes = cache([1, 2], [3, 4, 5], [])
    prefixes.share(prefixes[1], prefixes[2], 2)
    prefixes.truncate(prefixes[0], 0)
    assert prefixes.shared_cells(prefixes[2]) == 2
    prefixes.move([prefixes[2], prefixes[1]])
    assert [slot.cells for slot in (prefixes[2], prefixes[1])] == [[0, 1], [2, 3, 4]]
    assert all(map(prefixes.is_in_order, (prefixes[1], prefixes[2])))
    assert prefixes.shared_cells(prefixes[2]) == 0
    assert prefixes.used_cells == 5
