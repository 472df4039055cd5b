"""Messages as clients send them -> messages as chat templates can bear them."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.request import Message, Reply, Result, Speech
from gateway.turns import Call

LETTERS_AND_DIGITS = string.digits + string.ascii_letters


def arrange(messages: Sequence[Message], id_length: int | None = None) -> list[Message]:
    """Give every call an id, and every result its call's id, name and place.

    A result is paired by id, else by name, else by order. Results come in the order of their
    calls; one that answers no call stays where it was. `id_length` is the family's own length
    of ids; a client's id is mapped to one of that length, the same one each time.
    """
    arranged: list[Message] = []
    open_calls: list[Call] = []
    results: list[Result] = []
    for message in [*messages, None]:
        if isinstance(message, Result):
            results.append(message)
            continue
        arranged += _paired(results, open_calls, id_length)
        results, open_calls = [], []
        if isinstance(message, Reply):
            start = sum(len(m.calls) for m in arranged if isinstance(m, Reply))
            open_calls = list(_named(message.calls, start))
            fitted = tuple(replace(c, id=fit(c.id, id_length)) for c in open_calls)
            arranged.append(replace(message, calls=fitted))
        elif message is not None:
            arranged.append(message)
    return arranged


def one_call_a_turn(messages: Sequence[Message]) -> list[Message]:
    """Arranged messages with a turn for each call, and its result right after that."""
    parted: list[Message] = []
    turns: dict[str, int] = {}  # a call's id -> where its result belongs, counted from the end
    for message in messages:
        if isinstance(message, Result) and message.call_id in turns:
            parted.insert(len(parted) - turns.pop(message.call_id), message)
            continue
        turns = {}
        if isinstance(message, Reply) and len(message.calls) > 1:
            first, *others = message.calls
            parted.append(replace(message, calls=(first,)))
            parted += [Reply(calls=(call,)) for call in others]
            turns = {call.id: len(others) - i for i, call in enumerate(message.calls)}
        else:
            parted.append(message)
    return parted


def system_in_user(messages: Sequence[Message]) -> list[Message]:
    """Messages whose system text stands at the head of the first user message."""
    system = [m.text for m in messages if isinstance(m, Speech) and m.role == "system"]
    others = [m for m in messages if not (isinstance(m, Speech) and m.role == "system")]
    first = next((i for i, m in enumerate(others) if isinstance(m, Speech)), None)
    if first is None:
        return [*(Speech("user", text) for text in system), *others]
    text = "\n\n".join([*system, others[first].text])
    return [*others[:first], Speech("user", text), *others[first + 1 :]]


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


def _named(calls: Sequence[Call], start: int) -> Iterator[Call]:
    for i, call in enumerate(calls, start):
        yield call if call.id else replace(call, id=f"call_{i}")


def _paired(
    results: Sequence[Result], calls: Sequence[Call], id_length: int | None
) -> Iterator[Result]:
    left = list(results)
    for call in calls:
        if answer := _answer(call, left):
            left.remove(answer)
            yield Result(answer.text, fit(call.id, id_length), call.name)
    for orphan in left:
        yield replace(orphan, call_id=fit(orphan.call_id or "call_0", id_length))


def _answer(call: Call, results: Sequence[Result]) -> Result | None:
    by_id = (result for result in results if result.call_id == call.id)
    anonymous = [result for result in results if not result.call_id]
    by_name = (result for result in anonymous if result.name == call.name)
    by_order = (result for result in anonymous if not result.name)
    return next(by_id, None) or next(by_name, None) or next(by_order, None)
