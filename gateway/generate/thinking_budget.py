"""The interruption with which an engine enforces a thinking budget."""

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
    has_grammar: bool,
) -> Interruption | None:
    """Returns the interruption that closes thoughts over budget; None if there is no budget.

    `answer_prefix` is the part of the answer that the prompt already contains. `special` maps the
    texts of special tokens to their ids. `has_grammar` says that a grammar enforces what follows a
    thought.
    """
    if request.thinking_budget is None or format.think is None:
        return None
    opens, close = format.think
    # Without a grammar a model might think again, so the marker of its text is inserted too.
    follows = "" if has_grammar else format.section_separator + format.content[0]
    return Interruption(
        max_tokens=request.thinking_budget,
        opens=thought_openings(format),
        closes=_thought_ends(request, format, close.strip()),
        insert=list(Guard(special).split(close + follows)),
        is_open=answer_prefix == opens,
    )


def thought_openings(format: Format) -> list[str]:
    """Returns what opens a thought, at the start of an answer or after another thought."""
    if format.think is None:
        return []
    opens = trimmed(format.think[0])
    return list(dict.fromkeys([opens, format.section_separator + opens]))


def _thought_ends(request: Request, format: Format, close: str) -> list[str]:
    """What ends a thought: its own closing marker, or the opening of a call or of text."""
    calls = bool(request.callable_tools)
    markers = ExpectedMarkers(replace(format, variants=()), calls=calls, loose=False)
    return list(dict.fromkeys(markers.inside(close, Reasoning)))
