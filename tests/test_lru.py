from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.lru import Kept


@given(st.lists(st.text("ab", max_size=6)))
def test_no_more_is_kept_than_there_is_room_for(texts: list[str]) -> None:
    kept: Kept[int] = Kept(most=10)
    for i, text in enumerate(texts):
        kept[text] = i
        assert sum(len(one) for one in set(texts) if kept.get(one) is not None) <= 10


def test_what_was_asked_for_last_stays() -> None:
    kept: Kept[int] = Kept(most=2)
    kept["a"], kept["b"] = 1, 2
    assert kept.get("a") == 1
    kept["c"] = 3
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_what_is_larger_than_all_the_room_is_not_kept() -> None:
    kept: Kept[int] = Kept(most=2)
    kept["abc"] = 1
    assert kept.get("abc") is None
