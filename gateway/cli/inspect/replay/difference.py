"""Shows where two lists of events differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import ndiff


def difference(before: Sequence[object], after: Sequence[object]) -> list[str]:
    """Returns the events as lines, those only in `before` behind `-`, those in `after` behind `+`.

    Empty if there is no difference.
    """
    if before == after:
        return []
    return [line.rstrip("\n") for line in ndiff([*map(_line, before)], [*map(_line, after)])]


def _line(event: object) -> str:
    return json.dumps(event, ensure_ascii=False)
