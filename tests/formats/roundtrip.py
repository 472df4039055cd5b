"""Decodes encoded turns, for the laws that hold for every format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest

from gateway.chat.events import Event, collect
from gateway.chat.messages import Tool, Turn
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder
from tests.formats.strategies import without_ids

EVERY_FORMAT = pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES.keys())


def read(
    format: Format,
    tools: Sequence[Tool] | None,
    pieces: Iterable[str],
    *,
    whole_calls: bool = False,
    strict: bool = True,
) -> Turn:
    decoder = Decoder(format, tools, whole_calls=whole_calls, strict=strict)
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return collect([*events, *decoder.close()])


def canonical(turn: Turn) -> str:
    """A turn as text that distinguishes 1, 1.0 and true, and has no ids."""
    turn = without_ids(turn)
    return json.dumps([turn.text, turn.reasoning, [[c.name, c.arguments] for c in turn.calls]])
