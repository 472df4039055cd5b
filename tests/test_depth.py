from __future__ import annotations

from itertools import compress, product

import pytest

from tests.depth import is_on_diagonal


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (57, 7), (13, 17), (4, 4)])
def test_a_diagonal_has_each_value_and_is_as_long_as_the_larger_side(
    rows: int, columns: int
) -> None:
    pairs = [*product(range(rows), range(columns))]
    found = [*compress(pairs, is_on_diagonal(pairs))]
    assert {row for row, _ in found} == set(range(rows))
    assert {column for _, column in found} == set(range(columns))
    assert len(found) == max(rows, columns)
