"""Matches tool results with calls, and gives every call an id that its format allows."""

from __future__ import annotations

import hashlib
import string
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.chat.messages import Call, Message, Result, Turn

LETTERS_AND_DIGITS = string.digits + string.ascii_letters


NONE: Mapping[str, str] = {}


def arrange(
    messages: Sequence[Message], id_length: int | None = None, model_ids: Mapping[str, str] = NONE
) -> list[Message]:
    """Gives every call a unique id, and every result the id and the name of its call.

    A result is matched by id, else by name, else by order. Results are put in the order of their
    calls; a result without a call stays in its place. If the format has a fixed `id_length`, a
    client's id is mapped to one of that length, always to the same. `model_ids` maps clients' ids
    to the ids that the model wrote, which are used instead if they have that length.
    """
    arranged: list[Message] = []
    ids = _Ids(id_length, model_ids)
    open_calls: list[tuple[Call, str]] = []  # each call with its new id
    results: list[Result] = []
    for message in [*messages, None]:
        if isinstance(message, Result):
            results.append(message)
            continue
        arranged += _paired(results, open_calls, ids)
        results, open_calls = [], []
        if isinstance(message, Turn):
            open_calls = [(call, ids.fresh(call.id, "call")) for call in message.calls]
            named = tuple(replace(call, id=id) for call, id in open_calls)
            arranged.append(replace(message, calls=named))
        elif message is not None:
            arranged.append(message)
    return arranged


def fit(id: str, length: int | None) -> str:
    """`id` if it has `length` letters and digits, else such an id made from its hash.

    >>> fit("call_1", 9) == fit("call_1", 9), len(fit("call_1", 9)), fit("abcDEF123", 9)
    (True, 9, 'abcDEF123')
    """
    if length is None or (len(id) == length and set(id) <= set(LETTERS_AND_DIGITS)):
        return id
    number = int.from_bytes(hashlib.sha256(id.encode()).digest())
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(LETTERS_AND_DIGITS))
        digits.append(LETTERS_AND_DIGITS[digit])
    return "".join(digits)


class _Ids:
    """The ids of one conversation; they are unique, unless the model wrote the same id twice."""

    def __init__(self, length: int | None, model_ids: Mapping[str, str]):
        self._length = length
        self._model_ids = model_ids
        self._used: set[str] = set()

    def fresh(self, id: str, kind: str) -> str:
        """`id` in the right length; another id if it is empty or in use."""
        count = len(self._used)
        model_id = self._model_ids.get(id, "")
        if model_id and fit(model_id, self._length) == model_id:
            self._used.add(model_id)
            return model_id
        id = fit(id or f"{kind}_{count}", self._length)
        while id in self._used:
            id = fit(f"{id}_{count}", self._length)
        self._used.add(id)
        return id


def _paired(
    results: Sequence[Result], calls: Sequence[tuple[Call, str]], ids: _Ids
) -> Iterator[Result]:
    left = dict(enumerate(results))
    lines: dict[tuple[str, str], deque[int]] = {}  # of `left`: by id, those without one by name
    for i, result in left.items():
        key = (result.call_id, "" if result.call_id else result.name)
        lines.setdefault(key, deque()).append(i)
    for call, id in calls:
        by_id = [(call.id, "")] if call.id else []
        keys = [*by_id, ("", call.name), ("", "")]
        if line := next(filter(None, map(lines.get, keys)), None):
            yield Result(left.pop(line.popleft()).text, id, call.name)
    for result in left.values():
        yield replace(result, call_id=ids.fresh(result.call_id, "result"))
