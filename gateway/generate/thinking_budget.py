"""A thinking budget -> when the engine is to close a thought, and with what text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.chat.events import Reasoning
from gateway.chat.request import Request
from gateway.engine.generation import Interruption
from gateway.formats.format import Format
from gateway.parsing.expected_markers import ExpectedMarkers, trimmed
from gateway.prompt.special_tokens import Guard


def interruption(
    request: Request,
    format: Format,
    answer_prefix: str,
    special: Mapping[str, int],
    *,
    is_held: bool,
) -> Interruption | None:
    """What closes the thoughts of an answer to `request`, if it has a budget for them.

    `answer_prefix` is the part of the answer that the prompt already contains, `special` the
    vocabulary's special tokens. `is_held` says that a grammar holds what follows a thought.
    """
    if request.thinking_budget is None or format.think is None:
        return None
    opens, close = format.think
    # Where text has marks of its own, a model that is free might think again instead.
    follows = "" if is_held else format.section_separator + format.content[0]
    return Interruption(
        max_tokens=request.thinking_budget,
        opens=list(dict.fromkeys([trimmed(opens), format.section_separator + trimmed(opens)])),
        closes=_closes(request, format, close.strip()),
        insert=list(Guard(special).split(close + follows)),
        is_open=answer_prefix == opens,
    )


def _closes(request: Request, format: Format, close: str) -> list[str]:
    """What ends a thought: its own mark, a call that opens in it, or text that does."""
    calls = bool(request.callable_tools)
    markers = ExpectedMarkers(replace(format, variants=()), calls=calls, loose=False)
    return list(dict.fromkeys(markers.inside(close, Reasoning)))
