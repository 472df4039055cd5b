"""How much is tested: fast by default, with few examples; deep with `pytest --deep`, with many.

Every law and every example is in both runs. The deep run has more of the same:

* `pick(fast=4, deep=60)` is how many examples of a law are drawn, or how large an input is.
* A test marked `diagonal("format", "name")` has all pairs of these two parameters in the deep run.
  The fast run has a diagonal of the pairs: each format and each name at least once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T")

# The fast run draws the same examples on every machine; the deep run draws new ones each time.
settings.register_profile("fast", max_examples=20, deadline=None, derandomize=True, database=None)
settings.register_profile("deep", max_examples=200, deadline=None)


def pick(fast: T, deep: T) -> T:
    """Returns one of the two values, by the hypothesis profile that is loaded."""
    return deep if settings.get_current_profile_name() == "deep" else fast


def off_diagonal(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Returns the items that only the deep run has."""
    groups: dict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("diagonal"):
            groups[item.nodeid.partition("[")[0]].append(item)
    return [item for group in groups.values() for item in _off_diagonal(group)]


def is_on_diagonal(pairs: Sequence[tuple[Hashable, Hashable]]) -> list[bool]:
    """Returns for each of `pairs`, a product, whether it is on the diagonal.

    The sum of its two indices is divisible by the smaller number of values, so that the diagonal
    is as long as the larger number, and has each value.
    """
    rows, columns = (
        {v: i for i, v in enumerate(dict.fromkeys(c))} for c in zip(*pairs, strict=True)
    )
    stride = min(len(rows), len(columns))
    return [(rows[row] + columns[column]) % stride == 0 for row, column in pairs]


def _off_diagonal(items: list[pytest.Function]) -> list[pytest.Function]:
    [mark] = items[0].iter_markers("diagonal")
    row, column = mark.args
    # Some values can't be hashed, so their identity stands for them.
    pairs = [(id(item.callspec.params[row]), id(item.callspec.params[column])) for item in items]
    return [item for item, is_on in zip(items, is_on_diagonal(pairs), strict=True) if not is_on]
