"""Measure the gateway against a bare llama.cpp loop, side by side in one run: `make bench`.

Every figure is a median. The two sides take turns, because a machine's speed drifts.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable

from bench import decoding, schemas
from bench.bare import Bare
from bench.served import Served

ROUNDS = 7
TOKENS = 200
THREADS = os.cpu_count() or 1


def main() -> None:
    print(f"SmolLM2-135M-Instruct Q4_1, {THREADS} threads, medians of {ROUNDS} rounds")
    print(f"load average at the start: {os.getloadavg()[0]:.2f}\n")
    bare = Bare(THREADS)
    # So small a context keeps hardly any idle prefix, as the bare loop keeps none.
    with Served(THREADS, context=512) as served:
        for row in _rows(bare, served):
            print("{:<60} {:>10} {:>8}".format(*row))
    with Served(THREADS, context=4096) as served:
        for _ in range(8):
            served.first_token_s(fresh=True)
        tokens_s, ratio = _streamed(bare, served)
    print(f"{'streamed beside 3,400 cells of idle prefixes':<60} {tokens_s:>10.1f} {ratio:>8.3f}")
    print("\n{:<60} {:>10} {:>8}".format("", "measured", "our part"))
    for row in schemas.rows():
        print("{:<60} {:>10} {:>8}".format(*row))
    print("\n{:<60} {:>10} {:>8}".format("", "measured", "to 64 kB"))
    for row in decoding.rows():
        print("{:<60} {:>10} {:>8}".format(*row))
    print(f"\nload average at the end: {os.getloadavg()[0]:.2f}")


def _streamed(bare: Bare, served: Served) -> tuple[float, float]:
    """Tokens a second through HTTP, and the ratio to the bare loop, round by round."""
    served.stream(TOKENS)
    bare.decode(TOKENS)
    rounds = [(served.stream(TOKENS), bare.decode(TOKENS)) for _ in range(ROUNDS)]
    ratios = [ours / theirs for ours, theirs in rounds]
    return statistics.median(ours for ours, _ in rounds), statistics.median(ratios)


def _rows(bare: Bare, served: Served) -> Iterable[tuple[str, str, str]]:
    yield ("", "measured", "ratio")
    tokens_s, ratio = _streamed(bare, served)
    loop = tokens_s / ratio
    yield ("bare llama_decode loop, tokens/s", f"{loop:.1f}", "1")
    yield ("streamed through HTTP, tokens/s, over the bare loop", f"{tokens_s:.1f}", f"{ratio:.3f}")
    gateway_us = 1e6 / tokens_s - 1e6 / loop
    yield ("gateway time per streamed token, microseconds", f"{gateway_us:.0f}", "")

    cold = [served.first_token_s(fresh=True) for _ in range(ROUNDS)]
    warm = [served.first_token_s(fresh=False) for _ in range(ROUNDS)]
    read = [bare.read_s(served.prompt_tokens) for _ in range(ROUNDS)]
    cold_s, warm_s, read_s = map(statistics.median, (cold, warm, read))
    prompt = f"a prompt of {served.prompt_tokens} tokens"
    yield (f"reading {prompt}, bare, ms", f"{read_s * 1e3:.1f}", "1")
    yield (
        "time to first token, nothing cached, ms, over that",
        f"{cold_s * 1e3:.1f}",
        f"{cold_s / read_s:.3f}",
    )
    yield (
        "time to first token, prompt cached, ms, over that",
        f"{warm_s * 1e3:.1f}",
        f"{warm_s / read_s:.3f}",
    )

    calls = [served.forced_call() for _ in range(ROUNDS)]
    call_s = statistics.median(seconds for seconds, _ in calls)
    tokens = statistics.median(tokens for _, tokens in calls)
    free_s = tokens / loop
    yield (f"a forced call of {tokens:.0f} tokens, whole, ms", f"{call_s * 1e3:.1f}", "")
    yield (
        "  over as many tokens decoded freely in the bare loop",
        f"{free_s * 1e3:.1f}",
        f"{call_s / free_s:.3f}",
    )


main()
