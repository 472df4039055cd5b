"""Who leaves so that another has room."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.models.memory_budget import Share, in_bytes, leavers
from gateway.models.memory_estimate import MB

SHARES = st.dictionaries(
    st.integers(0, 9),
    st.builds(Share, st.integers(1, 9), st.floats(0, 9), st.booleans(), st.booleans()),
)


@pytest.mark.parametrize(
    ("shares", "needed", "left"),
    [
        ({}, 10, ""),
        ({"a": Share(4, 1)}, 6, ""),
        ({"a": Share(4, 1), "b": Share(4, 2)}, 6, "a"),
        ({"a": Share(4, 2), "b": Share(4, 1)}, 6, "b"),
        ({"a": Share(4, 2), "b": Share(4, 1)}, 8, "ba"),
        ({"a": Share(4, inf), "b": Share(4, 9)}, 6, "b"),
        ({"a": Share(4, 1, stays=True), "b": Share(4, 2)}, 6, "b"),
        ({"a": Share(4, 1, leaves=True), "b": Share(4, 2)}, 6, ""),
        ({"a": Share(4, 1, leaves=True), "b": Share(4, 2)}, 8, "b"),
        ({"a": Share(4, 1, stays=True), "b": Share(4, 2)}, 8, ""),
    ],
)
def test_who_was_last_used_longest_ago_leaves_first(
    shares: dict[str, Share], needed: int, left: str
) -> None:
    assert leavers(shares, needed, 10) == list(left)


@given(SHARES, st.integers(1, 20), st.integers(1, 40))
def test_whoever_is_asked_to_leave_makes_room_and_is_needed(
    shares: dict[int, Share], needed: int, total: int
) -> None:
    asked = leavers(shares, needed, total)
    staying = [s.size for key, s in shares.items() if key not in asked and not s.leaves]
    if asked:
        assert sum(staying) + needed <= total < sum(staying) + shares[asked[-1]].size + needed
    assert not any(shares[key].stays or shares[key].leaves for key in asked)


def test_a_share_of_the_machine_is_taken_where_nothing_is_said() -> None:
    assert in_bytes(100) == 100 * MB
    assert in_bytes("auto") > 100 * MB
