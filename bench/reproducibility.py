"""How many texts the same request has, and what a single one costs.

`python -m bench.reproducibility` sends one request of 520 tokens eighteen times in six situations,
with a seed and greedily, to the gateway with and without `reproducible: always`, and to
llama-server. Then it compares the speeds of the two gateways, which take turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from bench.gateway import gateway_of
from bench.machine import this_machine
from bench.peer import name, peer
from bench.server import Server, user_message

CONTEXT, THREADS = 4096, 2
ANSWER = 48  # tokens
ROUNDS = 7
PAGE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text()
QUESTION = PAGE[:2000] + "\nWhat is the gateway process for?"
SEEDED, GREEDY = {"temperature": 1, "seed": 7}, {"temperature": 0}
ROW = "| {} | {} | {} |"

new_number = count().__next__


def main() -> None:
    print(*this_machine().lines, "", sep="\n")
    entry: dict[str, Any] = {"context": CONTEXT, "threads": THREADS, "preload": True}
    exact_entry = {**entry, "reproducible": "always"}
    with gateway_of({"m": exact_entry}) as exact, gateway_of({"m": entry}) as usual:
        print(
            ROW.format("distinct texts of 18", "with a seed", "greedy"), "|---|--:|--:|", sep="\n"
        )
        _print_texts("the gateway, `reproducible: always`", exact)
        _print_texts("the gateway without it", usual)
        with peer(CONTEXT, THREADS) as theirs:
            _print_texts(f"llama-server, {name()}", theirs)
        print("", ROW.format("speed", "without it", "with it, relative"), "|---|--:|--:|", sep="\n")
        for title, unit, work, seconds in SPEEDS:
            without, ratio = _compared(seconds, exact, usual)
            shown = f"{work / without:.0f} {unit}" if work else f"{1000 * without:.0f} {unit}"
            print(ROW.format(title, shown, f"{ratio:.2f}"), flush=True)


def _print_texts(title: str, server: Server) -> None:
    numbers = [len({*_texts(server, sampling)}) for sampling in (SEEDED, GREEDY)]
    print(ROW.format(title, *numbers), flush=True)


def _texts(server: Server, sampling: dict[str, Any]) -> Iterator[str]:
    """The eighteen answers."""
    body = {"messages": user_message(QUESTION), "max_tokens": ANSWER, **sampling}
    for _ in range(3):  # fresh, then cached
        yield server.stream(**body).text
    for at in (4000, 5500, 7000):  # after others
        server.streams([_body(PAGE[at : at + 1500]), _body(f"Count to {at}.")])
        yield server.stream(**body).text
    for length in (300, 900, 1500):  # after one that shares a prefix
        server.stream(**_body(QUESTION[:length] + " Go on."))
        yield server.stream(**body).text
    for company in (1, 2, 3):
        others = [_body(PAGE[900 * i : 900 * i + 300 * company]) for i in range(company)]
        yield server.streams([body, *others])[0].text
    yield from (stream.text for stream in server.streams([body] * 6))  # beside itself


def _body(text: str, max_tokens: int = ANSWER) -> dict[str, Any]:
    return {"messages": user_message(text), "max_tokens": max_tokens, **GREEDY}


def _new_body(characters: int, max_tokens: int = ANSWER) -> dict[str, Any]:
    """A prompt that shares no prefix with an earlier one."""
    return _body(f"{new_number()}: {PAGE[:characters]}", max_tokens)


def _one_stream_s(server: Server) -> float:
    return 1 / server.stream(**_new_body(100)).tokens_s


def _four_streams_s(server: Server) -> float:
    streams = server.streams([_new_body(100) for _ in range(4)])
    return 1 / sum(stream.tokens_s for stream in streams)


def _prompt_s(server: Server) -> float:
    return server.stream(**_new_body(4000, max_tokens=2)).first_s


def _warm_s(server: Server) -> float:
    number = new_number()
    server.stream(**_body(f"{number}: {PAGE[:4000]}", max_tokens=2))
    return server.stream(**_body(f"{number}: {PAGE[:4100]}", max_tokens=2)).first_s


SPEEDS: tuple[tuple[str, str, int, Callable[[Server], float]], ...] = (
    ("one stream", "tokens/s", 1, _one_stream_s),
    ("four streams", "tokens/s", 1, _four_streams_s),
    ("first token of a new prompt of 4,000 characters", "ms", 0, _prompt_s),
    ("first token, all but 100 characters cached", "ms", 0, _warm_s),
)


def _compared(
    seconds: Callable[[Server], float], exact: Server, usual: Server
) -> tuple[float, float]:
    """The median of `usual`, and the speed of `exact` relative to it; the order alternates."""
    found: dict[int, list[float]] = {exact.port: [], usual.port: []}
    for number in range(ROUNDS):
        for server in (exact, usual) if number % 2 else (usual, exact):
            found[server.port].append(seconds(server))
            time.sleep(0.5)
    without = statistics.median(found[usual.port])
    return without, without / statistics.median(found[exact.port])


if __name__ == "__main__":
    main()
