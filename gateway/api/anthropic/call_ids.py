"""The ids of tool calls, which begin with `toolu_` in the Anthropic API.

>>> to_client("call_1"), from_client("toolu_1"), from_client("mine")
('toolu_1', 'call_1', 'mine')
"""

from __future__ import annotations

OURS, THEIRS = "call_", "toolu_"


def to_client(id: str) -> str:
    return THEIRS + id.removeprefix(OURS)


def from_client(id: str) -> str:
    return OURS + id.removeprefix(THEIRS) if id.startswith(THEIRS) else id
