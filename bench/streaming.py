"""Throughput of one stream and of several concurrent streams."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.figure import ROUNDS, Aim, Measurement, Sides, Value, in_turn, medians, ratio
from bench.server import Server, user_message

TOKENS = 200
TOKENS_OF_EACH = 120
STREAMS = (4, 8)
STORY = user_message("Write a long story about a fox.")
ABOUT = ("a fox", "the sea", "a clock", "two sisters", "a train", "the moon", "an old king", "rain")


def one(sides: Sides) -> Iterator[Value]:
    def bare() -> float:
        return TOKENS / sides.bare.decode_s(TOKENS)

    ours, theirs = partial(_alone, sides.gateway), partial(_alone, sides.peer)
    rounds = in_turn(ROUNDS, ours, bare, theirs)
    gateway_s, bare_s, peer_s = medians(rounds)
    yield ratio(rounds, 0, 1), f"{gateway_s:.1f} / {bare_s:.1f} tokens/s"
    yield ratio(rounds, 0, 2), f"{gateway_s:.1f} / {peer_s:.1f} tokens/s"


def many(clients: int, sides: Sides) -> Iterator[Value]:
    def bare() -> float:
        return clients * TOKENS_OF_EACH / sides.bare.decode_s(TOKENS_OF_EACH, clients)

    ours, theirs = (
        partial(_together, sides.gateway, clients),
        partial(_together, sides.peer, clients),
    )
    rounds = in_turn(ROUNDS // 2 + 1, ours, bare, theirs)
    gateway_s, bare_s, peer_s = medians(rounds)
    yield ratio(rounds, 0, 1), f"{gateway_s:.1f} / {bare_s:.1f} tokens/s"
    yield ratio(rounds, 0, 2), f"{gateway_s:.1f} / {peer_s:.1f} tokens/s"


def _alone(server: Server) -> float:
    return server.stream(messages=STORY, max_tokens=TOKENS).tokens_s


def _together(server: Server, clients: int) -> float:
    """Tokens per second of all clients, from the first request to the last token."""
    prompts = [user_message(f"Write a long story about {what}.") for what in ABOUT[:clients]]
    streams = server.streams([{"messages": s, "max_tokens": TOKENS_OF_EACH} for s in prompts])
    tokens = sum(stream.usage["completion_tokens"] for stream in streams)
    began, ended = min(s.started for s in streams), max(s.times[-1] for s in streams)
    return float(tokens / (ended - began))


STREAMING = (
    Measurement(
        (
            Aim("one stream / bare loop", 0.95, at_least=True),
            Aim("one stream / llama-server", 1.05, at_least=True),
        ),
        one,
    ),
    *(
        Measurement(
            (
                Aim(f"{clients} streams / bare batched loop", 0.9, at_least=True),
                Aim(f"{clients} streams / llama-server", 1.2, at_least=True),
            ),
            partial(many, clients),
        )
        for clients in STREAMS
    ),
)
