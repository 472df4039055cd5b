"""Which models are unloaded for another."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.models.memory_budget import Reservation, budget_bytes, choose_evictions
from gateway.models.memory_estimate import MB

RESERVATIONS = st.dictionaries(
    st.integers(0, 9),
    st.builds(Reservation, st.integers(1, 9), st.floats(0, 9), st.booleans(), st.booleans()),
)


@pytest.mark.parametrize(
    ("reservations", "needed", "left"),
    [
        ({}, 10, ""),
        ({"a": Reservation(4, 1)}, 6, ""),
        ({"a": Reservation(4, 1), "b": Reservation(4, 2)}, 6, "a"),
        ({"a": Reservation(4, 2), "b": Reservation(4, 1)}, 6, "b"),
        ({"a": Reservation(4, 2), "b": Reservation(4, 1)}, 8, "ba"),
        ({"a": Reservation(4, inf), "b": Reservation(4, 9)}, 6, "b"),
        ({"a": Reservation(4, 1, is_evictable=False), "b": Reservation(4, 2)}, 6, "b"),
        ({"a": Reservation(4, 1, is_draining=True), "b": Reservation(4, 2)}, 6, ""),
        ({"a": Reservation(4, 1, is_draining=True), "b": Reservation(4, 2)}, 8, "b"),
        ({"a": Reservation(4, 1, is_evictable=False), "b": Reservation(4, 2)}, 8, ""),
    ],
)
def test_the_least_recently_used_model_is_evicted_first(
    reservations: dict[str, Reservation], needed: int, left: str
) -> None:
    assert choose_evictions(reservations, needed, 10) == list(left)


@given(RESERVATIONS, st.integers(1, 20), st.integers(1, 40))
def test_evictions_free_enough_memory_and_no_more_than_necessary(
    reservations: dict[int, Reservation], needed: int, total: int
) -> None:
    evicted = choose_evictions(reservations, needed, total)
    kept = [r.bytes for key, r in reservations.items() if key not in evicted and not r.is_draining]
    if evicted:
        last = reservations[evicted[-1]].bytes
        assert sum(kept) + needed <= total < sum(kept) + last + needed
    assert all(reservations[key].is_evictable for key in evicted)
    assert not any(reservations[key].is_draining for key in evicted)


def test_an_auto_budget_is_a_share_of_the_machines_memory() -> None:
    assert budget_bytes(100) == 100 * MB
    assert budget_bytes("auto") > 100 * MB
