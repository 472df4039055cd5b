"""Decode speed with and without the adapter, in alternating rounds."""

from __future__ import annotations

from functools import partial

from bench.figure import ROUNDS, Aim, Figure, in_turn, medians, ratio
from bench.server import Server, user_message
from training.evaluation.side import WITH, WITHOUT, Servers

AIM = Aim("tokens/s with the adapter / without", 0.85, at_least=True)
TOKENS = 128
STORY = user_message("Write a long story about a fox.")
# Forces a long answer from a model that would stop early.
LONG = {"name": "story", "schema": {"type": "string", "minLength": 20 * TOKENS}}


def figure(servers: Servers) -> Figure:
    sides = [partial(_tokens_s, servers[side.name], side.name) for side in (WITH, WITHOUT)]
    try:
        rounds = in_turn(3 * ROUNDS, *sides)
    except Exception as error:  # keep the scores
        return Figure(AIM, None, f"{type(error).__name__}: {error}")
    ours_s, theirs_s = medians(rounds)
    return Figure(AIM, ratio(rounds, 0, 1), f"{ours_s:.1f} / {theirs_s:.1f} tokens/s")


def _tokens_s(server: Server, model: str) -> float:
    response_format = {"type": "json_schema", "json_schema": LONG}
    stream = server.stream(
        model=model, messages=STORY, max_tokens=TOKENS, response_format=response_format
    )
    return stream.tokens_s
