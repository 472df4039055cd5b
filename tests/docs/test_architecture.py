"""The picture of the rooms is that of the table of imports."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from tests.test_layers import ROOMS

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
BELOW = {room: set(below.split()) for room, below in ROOMS.items()}


def drawn() -> set[tuple[str, str]]:
    """The arrows of the picture; `a --> b & c` are two."""
    [picture] = re.findall(r"^```mermaid\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    rows = [
        [end.split(" & ") for end in row.strip().split(" --> ")] for row in picture.splitlines()
    ]
    return {
        (upper, lower)
        for row in rows
        for uppers, lowers in pairwise(row)
        for upper in uppers
        for lower in lowers
    }


def reachable(room: str) -> set[str]:
    return BELOW[room].union(*(reachable(lower) for lower in BELOW[room]))


def test_the_picture_has_every_arrow_that_does_not_follow_from_others() -> None:
    expected = {
        (upper, lower)
        for upper, below in BELOW.items()
        for lower in below
        if not any(lower in reachable(other) for other in below - {lower})
    }
    assert drawn() == expected


def test_every_room_has_a_row() -> None:
    rows = re.findall(r"^\| (`gateway/.*?) \|", PAGE, re.MULTILINE)
    named = {
        Path(path).stem for row in rows for path in re.findall(r"`gateway/(\w+(?:\.py)?)`", row)
    }
    assert named == set(ROOMS)
