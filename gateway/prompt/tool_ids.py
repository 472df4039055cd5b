"""Messages as clients send them -> messages in which calls and results belong together."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.chat.messages import Call, Message, Result, Turn

LETTERS_AND_DIGITS = string.digits + string.ascii_letters


NONE: Mapping[str, str] = {}


def arrange(
    messages: Sequence[Message], id_length: int | None = None, own: Mapping[str, str] = NONE
) -> list[Message]:
    """Give every call an id of its own, and every result its call's id, name and place.

    A result is paired by id, else by name, else by order. Results come in the order of their
    calls; one that answers no call stays where it was. `id_length` is the family's own length
    of ids; a client's id is mapped to one of that length, the same one each time, or to the
    model's `own`.
    """
    arranged: list[Message] = []
    ids = _Ids(id_length, own)
    open_calls: list[tuple[Call, str]] = []  # calls as they came, and what their ids are now
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
    """`id`, or the id of `length` letters and digits that stands for it.

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
    """The ids of one conversation, no two of them the same but where a model made them so."""

    def __init__(self, length: int | None, own: Mapping[str, str]):
        self._length = length
        self._own = own
        self._used: set[str] = set()

    def fresh(self, id: str, kind: str) -> str:
        """`id` in its length, or another one if it is empty or used."""
        count = len(self._used)
        own = self._own.get(id, "")
        if own and fit(own, self._length) == own:
            self._used.add(own)
            return own
        id = fit(id or f"{kind}_{count}", self._length)
        while id in self._used:
            id = fit(f"{id}_{count}", self._length)
        self._used.add(id)
        return id


def _paired(
    results: Sequence[Result], calls: Sequence[tuple[Call, str]], ids: _Ids
) -> Iterator[Result]:
    left = list(results)
    for call, id in calls:
        if answer := _answer(call, left):
            left.remove(answer)
            yield Result(answer.text, id, call.name)
    for orphan in left:
        yield replace(orphan, call_id=ids.fresh(orphan.call_id, "result"))


def _answer(call: Call, results: Sequence[Result]) -> Result | None:
    by_id = (result for result in results if result.call_id and result.call_id == call.id)
    anonymous = [result for result in results if not result.call_id]
    by_name = (result for result in anonymous if result.name == call.name)
    by_order = (result for result in anonymous if not result.name)
    return next(by_id, None) or next(by_name, None) or next(by_order, None)
