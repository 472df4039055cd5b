"""Ids of responses and their items."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Returns a new id, such as `msg_…`."""
    return f"{prefix}_{secrets.token_hex(16)}"
