"""Keeps secrets out of captures."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from gateway.chat.json import Json

MASK = "[secret]"
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


def without_named_secrets(value: Json) -> Json:
    """Returns `value` with each text masked whose key says that it is a secret.

    >>> without_named_secrets({"API_Key": "x", "metadata": {"password": "y", "a": "z"}})
    {'API_Key': '[secret]', 'metadata': {'password': '[secret]', 'a': 'z'}}
    """
    match value:
        case list():
            return [without_named_secrets(item) for item in value]
        case dict():
            return {
                key: MASK
                if isinstance(item, str) and key.lower() in NAMES
                else without_named_secrets(item)
                for key, item in value.items()
            }
    return value
