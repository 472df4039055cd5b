"""Events of answers, for laws that every dialect obeys."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from gateway.chat.events import CallArguments, CallEnd, CallStart, Reasoning, Text

PIECES = st.text("ab{}", min_size=1, max_size=3)


def _call(arguments: str, cuts: list[int]) -> list[CallStart | CallArguments | CallEnd]:
    edges = sorted({0, len(arguments), *(cut for cut in cuts if cut < len(arguments))})
    pieces = [arguments[a:b] for a, b in pairwise(edges)]
    return [CallStart("f", "call_1"), *map(CallArguments, pieces), CallEnd()]


CALL = st.builds(
    _call,
    st.sampled_from(["{}", '{"a": 1}', '{"b": "{\\"c\\": []}"}']),
    st.lists(st.integers(1, 20), max_size=3),
)
EVENTS = st.lists(
    st.one_of(PIECES.map(lambda t: [Text(t)]), PIECES.map(lambda t: [Reasoning(t)]), CALL),
    max_size=6,
).map(lambda lists: [event for events in lists for event in events])
