"""Ids of responses and their items."""

from __future__ import annotations

import secrets

ORIGIN_CHARS = 8
ORIGIN = secrets.token_hex(ORIGIN_CHARS // 2)  # names this process


def new_id(prefix: str) -> str:
    """Returns a new id, such as `msg_…`, whose first `ORIGIN_CHARS` name the process.

    So of several processes, the one that has made a response can be found by its id.
    """
    return f"{prefix}_{ORIGIN}{secrets.token_hex(16 - ORIGIN_CHARS // 2)}"
