"""Signatures of thinking blocks: opaque to clients, which send them back unchanged.

A signature holds the thought itself, so that it survives a client that was not shown its text.
"""

from __future__ import annotations

import base64
import binascii

MARK = b"tool-gateway:"


def sign(thought: str) -> str:
    """Returns the signature of `thought`."""
    return base64.b64encode(MARK + thought.encode("utf-8", "surrogatepass")).decode()


def signed_thought(signature: str) -> str | None:
    """Returns the thought of a signature; None if `sign` did not make it.

    >>> signed_thought(sign("Hm.")), signed_thought("another server's")
    ('Hm.', None)
    """
    try:
        mark, found, thought = base64.b64decode(signature, validate=True).partition(MARK)
        return thought.decode("utf-8", "surrogatepass") if found and not mark else None
    except (binascii.Error, ValueError):
        return None
