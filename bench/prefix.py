"""A conversation that goes on: only its last message has to be read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from bench.figure import ROUNDS, Aim, Measurement, Sides, Value, in_turn, medians, ratio
from bench.server import Message, said

SEEN = "Here is a report. " + "The harbour was quiet and the boats lay still. " * 80
NEW = "And there is more. " + "Then a small white boat came home with the tide. " * 16


def first_token(sides: Sides) -> Iterator[Value]:
    """Which tokens are new is told by the usage of both requests, not by what was cached."""

    def ours() -> float:
        return sides.gateway.stream(messages=_goes_on(seen, next(numbers)), max_tokens=1).first_s

    def bare() -> float:
        return sides.bare.read_s(new, after=old)

    numbers = count(100)
    seen = said(SEEN)
    answer = sides.gateway.ask(messages=seen, max_tokens=8)
    seen = [*seen, answer["choices"][0]["message"]]
    old = answer["usage"]["total_tokens"]
    whole = sides.gateway.ask(messages=_goes_on(seen, 99), max_tokens=1)
    new = whole["usage"]["prompt_tokens"] - old
    rounds = in_turn(ROUNDS, ours, bare)
    ours_s, bare_s = medians(rounds)
    made_of = f"{ours_s * 1e3:.0f} / {bare_s * 1e3:.0f} ms, {new} tokens after {old}"
    yield ratio(rounds, 0, 1), made_of


def _goes_on(seen: list[Message], number: int) -> list[Message]:
    """With a message that has not been seen yet."""
    return seen + said(f"{number}. {NEW}")


PREFIX = (Measurement((Aim("first token, last message new / reading it", 1.2),), first_token),)
