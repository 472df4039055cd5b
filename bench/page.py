"""What `make bench` leaves behind: docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figure import Figure
from bench.reasons import REASONS

Row = tuple[str, str, str]
Section = tuple[str, Sequence[Row]]

LINE = "{:<62} {:>10} {:>10}  {:<6}  {}"
HEAD = """\
# Performance

Written by `make bench`: the gateway, llama.cpp's own server and a bare `llama_decode` loop, in
turn, in one run, on SmolLM2-135M-Instruct Q4_1, greedy, with the same threads, context and slots.
Each figure is a median over rounds. The gateway's side stands first in what a figure is made of.

{machine}

![each figure over its aim](performance.svg)

"""
AGAIN = """
## To repeat it

`make bench`, on a machine that does nothing else, in about eight minutes. `BENCH_ROUNDS=1` is
quicker, and `BENCH_THREADS` sets the threads. `LLAMA_SERVER=path make bench` takes a llama-server
that you compiled: the one in the `xllamacpp` wheel is compiled for any processor, and decodes more
slowly than the same code would that is compiled for this one, as the gateway's is. In the source of
llama-cpp-python, this compiles one of the same version:

```sh
cmake -S vendor/llama.cpp -B build -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
cmake --build build --target llama-server
```

`.venv/bin/python -m bench calls fairness` takes only the figures of `bench/calls.py` and
`bench/fairness.py`, and writes no page.
"""


def line(figure: Figure) -> str:
    """A figure as it is printed, with what there is to say of it."""
    return f"{row(figure)}\n    {reason(figure)}" if figure.verdict == "MISSED" else row(figure)


def row(figure: Figure) -> str:
    aim = figure.aim
    return LINE.format(aim.name, figure.shown, str(aim), figure.verdict, figure.made_of)


def page(figures: Sequence[Figure], machine: Sequence[str], sections: Sequence[Section]) -> str:
    told = [f"- {line}" for line in machine]
    parts = [HEAD.format(machine="\n".join(told)), *table(figures), *_reasons(figures)]
    for title, rows in sections:
        parts += [f"\n## {title}\n\n", *markdown(rows)]
    return "".join(parts) + AGAIN


def reason(figure: Figure) -> str:
    """Why a figure is not as it was meant to be."""
    if figure.value is None:
        return figure.made_of
    return REASONS.get(figure.aim.name, "not known yet")


def table(figures: Sequence[Figure]) -> list[str]:
    """The figures beside their aims, in Markdown."""
    rows = [
        (f.aim.name, f.shown, str(f.aim), f.verdict if f.is_met else f"**{f.verdict}**", f.made_of)
        for f in figures
    ]
    return markdown([("figure", "value", "aim", "", "of"), *rows])


def _reasons(figures: Sequence[Figure]) -> list[str]:
    missed = [f"- {f.aim.name}: {reason(f)}\n" for f in figures if not f.is_met]
    return ["\n## What misses its aim\n\n", *missed] if missed else []


def markdown(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A table; the first row is its head."""
    head, *others = [f"| {' | '.join(cell.replace('|', ' ') for cell in row)} |\n" for row in rows]
    return [head, "|---" * len(rows[0]) + "|\n", *others]
