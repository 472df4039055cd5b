"""How messages to and from a process of a pool are framed: each behind its length."""

from __future__ import annotations

import struct

LENGTH = struct.Struct("!I")  # of a message, in bytes


def frame(message: bytes) -> bytes:
    return LENGTH.pack(len(message)) + message
