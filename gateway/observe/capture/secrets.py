"""Keeps secrets out of captures."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from gateway.chat.json import Json, has_more_structure

MASK = "[secret]"
MAX_STRUCTURE = 150_000
MIN_LENGTH = 8  # characters; a shorter text is a placeholder, and may occur anywhere
NAMES = frozenset(
    ("authorization", "api_key", "apikey", "api-key", "x-api-key", "access_token", "password")
)

J = TypeVar("J", bound=Json)


def masked(value: J, secret: str) -> J:
    """Returns `value` with `secret` masked, wherever it occurs.

    >>> masked({"a": ["my key-12345678"]}, "key-12345678")
    {'a': ['my [secret]']}
    """
    text = msgspec.json.encode(value)
    quoted = msgspec.json.encode(secret)[1:-1]
    if quoted not in text:
        return value
    shown: J = msgspec.json.decode(text.replace(quoted, MASK.encode()))
    return shown


def readable(data: bytes) -> Json:
    """Returns the JSON in a body, or its text if it is none; None if it is empty.

    JSON with more than `MAX_STRUCTURE` brackets and strings is left out: it would be decoded into
    hundreds of megabytes. A text is masked if its key says that it is a secret.

    >>> readable(b'{"API_Key": "x", "metadata": {"password": "y", "a": "z"}}')
    {'API_Key': '[secret]', 'metadata': {'password': '[secret]', 'a': 'z'}}
    >>> readable(b'{"api_key": "x", oops')
    '{"api_key": "[secret]", oops'
    """
    if not data:
        return None
    if has_more_structure(data, MAX_STRUCTURE):
        return f"[{len(data)} bytes with more than {MAX_STRUCTURE} brackets and strings]"
    try:
        return _without_named_secrets(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NAMED.sub(rf'\g<1>"{MASK}"', data.decode(errors="replace"))


_NAMED = re.compile(
    rf'("(?:{"|".join(map(re.escape, sorted(NAMES)))})"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE
)


def _without_named_secrets(value: Json) -> Json:
    match value:
        case list():
            return [_without_named_secrets(item) for item in value]
        case dict():
            return {
                key: MASK
                if isinstance(item, str) and key.lower() in NAMES
                else _without_named_secrets(item)
                for key, item in value.items()
            }
    return value
