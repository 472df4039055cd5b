"""Fields of a body that its type does not have: one that is misspelled is an error."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from itertools import islice

from gateway.chat.json import Json
from gateway.errors import BadRequest

MAX_UNKNOWN = 64  # that are looked at: each is compared with all known fields
SIMILARITY = 0.85  # of 1; that of `max_token` and `max_tokens` is 0.95
# Fields of other servers that resemble one of ours and mean something else.
OTHERS = ("models", "parse_tool_calls", "reasoning_format", "speed")


def unknown_fields(data: Mapping[str, Json], known: Collection[str]) -> list[str]:
    """Returns the fields of `data` that have a value and are not `known`, at most `MAX_UNKNOWN`.

    Raises BadRequest for a field that resembles a known one.
    """
    found = (name for name, value in data.items() if name not in known and value is not None)
    unknown = [*islice(found, MAX_UNKNOWN)]
    for name in unknown:
        if meant := _resembling(name, known):
            raise BadRequest(f"{name}: unknown field; did you mean {meant!r}?", param=name)
    return unknown


def _resembling(name: str, known: Collection[str]) -> str | None:
    """The known field that `name` resembles, such as `max_tokens` for `maxTokens`."""
    if name in OTHERS:
        return None
    by_letters = {_letters(field): field for field in known}
    close = difflib.get_close_matches(_letters(name), by_letters, 1, SIMILARITY)
    return by_letters[close[0]] if close else None


def _letters(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
