from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.worker.scheduler.prefix_cache import PrefixCache, common_length

tokens = st.lists(st.integers(0, 2), max_size=12)


@given(tokens, tokens)
def test_common_is_how_far_two_lists_agree(a: list[int], b: list[int]) -> None:
    length = common_length(a, b)
    assert a[:length] == b[:length]
    assert length == min(len(a), len(b)) or a[length] != b[length]


def cache(*held: list[int], can_truncate: bool = True) -> PrefixCache:
    made = PrefixCache(len(held), kv_cells=100, can_truncate=can_truncate)
    for id, tokens in enumerate(held):
        made.append(made[id], tokens)
        made.release(made[id])
    return made


def test_the_longest_start_is_best() -> None:
    made = cache([1, 2], [1, 2, 3, 4], [1, 9])
    assert made.longest_prefix([1, 2, 3, 5]) == (made[1], 3)


def test_the_last_token_is_never_taken_from_the_cache() -> None:
    made = cache([1, 2, 3])
    assert made.longest_prefix([1, 2, 3]) == (made[0], 2)
    assert made.longest_prefix([1]) == (None, 0)


def test_nothing_in_common_is_no_slot() -> None:
    assert cache([1, 2], []).longest_prefix([3, 4]) == (None, 0)


def test_what_can_not_lose_its_end_is_used_whole_or_not_at_all() -> None:
    made = cache([1, 2, 3], [1], can_truncate=False)
    assert made.longest_prefix([1, 2, 9]) == (made[1], 1)
    assert made.longest_prefix([1, 2, 3, 4]) == (made[0], 3)


def test_an_empty_slot_is_spared_before_the_oldest_prefix() -> None:
    made = cache([1], [], [2])
    assert made.free_slot() is made[1]
    made[1].owner = 5
    assert made.free_slot() is made[0]
    made[0].owner = made[2].owner = 6
    assert made.free_slot() is None


def test_the_oldest_idle_prefix_has_cells_and_no_owner() -> None:
    made = cache([1], [], [2])
    made[0].owner = 5
    assert made.lru_prefix() is made[2]
    made[2].owner = 6
    assert made.lru_prefix() is None


def test_what_is_bound_is_used_together() -> None:
    made = cache([1, 2, 3, 4])
    made[0].min_prefix = 3
    assert made.longest_prefix([1, 2, 9, 9]) == (None, 0)
    assert made.longest_prefix([1, 2, 3, 9]) == (made[0], 3)
    made.truncate(made[0], 0)
    made.append(made[0], [1, 2])
    assert made.longest_prefix([1, 9, 9]) == (made[0], 1)
