"""The items of an array, in notations that are not JSON."""

from __future__ import annotations

from collections.abc import Callable

from gateway.chat.json import Json
from gateway.grammar.expressions import sequence, times
from gateway.schema.shapes import Array


def items(array: Array, item: Callable[[Json], str], gap: str = "") -> str:
    """A part that matches the items, with `gap` between them; "" if there can be none.

    `item` writes the part for an item with a schema.
    """
    first = (array.prefix or (array.items,))[: array.most]
    most = None if array.most is None else array.most - len(first)
    more = ""
    if array.items is not False and most != 0:
        least = max(array.least - len(first), 0)
        more = times(f"({sequence(gap, item(array.items))})", least, most)
    for i, schema in reversed([*enumerate(first)]):
        part = sequence(gap if i else "", item(schema), more)
        more = part if i < array.least else f"({part})?"
    return more
