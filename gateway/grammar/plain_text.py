"""The grammar of an answer that must not call a tool: any tokens, but none that open a call."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from gateway.formats.format import Format
from gateway.grammar.bare_string import NOTHING, beginning, containing
from gateway.grammar.lark import Lark
from gateway.grammar.turn import is_marker


def no_call_grammar(format: Format, special: Mapping[str, int]) -> str | None:
    """Any tokens without a trigger of `format`; None if its triggers are usual text.

    `special` are the vocabulary's special tokens, text to id. A trigger may be one of them, one
    with text after it, or text.
    """
    triggers = {one.trigger for one in (format, *format.variants) if is_marker(one.trigger)}
    if not triggers:
        return None
    lark = Lark(special)
    text = "".join(f" & ~{containing(trigger)}" for trigger in sorted(triggers))
    lark.rules["TEXT"] += text
    followed: defaultdict[int, list[str]] = defaultdict(list)  # by token: what may not follow it
    for trigger in sorted(triggers):
        first, *rest = lark.pieces(trigger)
        if first in special:
            followed[special[first]].append(rest[0] if rest else "")
    ways = [f"<[{free}]> TEXT"] if (free := ",".join(_ranges(special, followed))) else []
    for token, texts in followed.items():
        if "" not in texts:
            lark.rules[f"TEXT_{token}"] = "TEXT" + "".join(f" & ~{beginning(t)}" for t in texts)
            ways.append(f"<[{token}]> TEXT_{token}")
    start = "TEXT"
    if format.reserves_start and format.trigger not in special:
        start = "START"
        lark.rules[start] = rf"TEXT & ~(/\s*{re.escape(format.trigger[0])}/ ~{NOTHING})"
    return lark.text(f"{start} ({' | '.join(ways)})*" if ways else start)


def _ranges(special: Mapping[str, int], without: Iterable[int]) -> Iterator[str]:
    """The ids of special tokens as ranges, such as 1-3."""
    first = last = -2
    for id in [*sorted({*special.values()} - {*without}), -1]:
        if id == last + 1 and first >= 0:
            last = id
            continue
        if first >= 0:
            yield f"{first}-{last}"
        first = last = id
