"""A conversation that continues: only its last message needs prefill."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import ROUNDS, Aim, Measurement, Sides, Value, medians, ratio
from bench.server import user_message

SEEN = "Here is a report. " + "The harbour was quiet and the boats lay still. " * 40
NEW = "And there is more. " + "Then a small white boat came home with the tide. " * 16


def first_token(sides: Sides) -> Iterator[Value]:
    rounds = [_round(sides, number) for number in range(ROUNDS + 1)][1:]
    ours_s, bare_s, old, new = medians(rounds)
    made_of = f"{ours_s * 1e3:.0f} / {bare_s * 1e3:.0f} ms, {new:.0f} new tokens after {old:.0f}"
    yield ratio(rounds, 0, 1), made_of


def _round(sides: Sides, number: int) -> tuple[float, float, int, int]:
    """Seconds of both sides, and the numbers of cached and of new prompt tokens.

    The numbers follow from the requests, not from what the gateway reports as cached.
    """
    seen = user_message(f"Report {number}. {SEEN}")
    answer = sides.gateway.ask(messages=seen, max_tokens=8)
    seen += [answer["choices"][0]["message"], *user_message(NEW)]
    stream = sides.gateway.stream(messages=seen, max_tokens=1)
    old = answer["usage"]["total_tokens"]
    new = stream.usage["prompt_tokens"] - old
    return stream.first_s, sides.bare.prefill_s(new, after=old), old, new


PREFIX = (
    Measurement((Aim("time to first token after a new message / its prefill", 1.2),), first_token),
)
