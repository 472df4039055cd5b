"""What was worked out once and may be asked for again, kept by the text that it came from."""

from __future__ import annotations

import json
from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

import msgspec

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The latest values by their text, as many as `most` characters of text allow.

    Threads may share it.

    >>> kept: Kept[int] = Kept(most=5)
    >>> kept["one"], kept["two"] = 1, 2
    >>> kept.get("one"), kept.get("two")
    (None, 2)
    """

    def __init__(self, most: int):
        self._most = most
        self._size = 0
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> Value | None:
        with self._lock:
            if text not in self._values:
                return None
            self._values.move_to_end(text)
            return self._values[text]

    def __setitem__(self, text: str, value: Value) -> None:
        with self._lock:
            if text not in self._values:
                self._size += len(text)
            self._values[text] = value
            self._values.move_to_end(text)
            while self._size > self._most:
                oldest, _ = self._values.popitem(last=False)
                self._size -= len(oldest)


def content(value: object) -> str:
    """JSON that stands for `value`, which is made of JSON's own values, where these are kept.

    >>> content({"a": [1, None]})
    '{"a":[1,null]}'
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a character
        return json.dumps(value)
