"""Score the default model's calls on the held-out set, over HTTP: `make eval`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.figure import Figure
from bench.machine import build, here
from bench.page import LINE, row
from training.evaluation import speed
from training.evaluation.aim import figures
from training.evaluation.ask import Outcome, outcomes
from training.evaluation.case import KINDS, ONE, Case, chosen, load
from training.evaluation.failure import causes, lines
from training.evaluation.plot import plot
from training.evaluation.report import page, sides
from training.evaluation.score import score
from training.evaluation.side import ADAPTER, SIDES, WITH, WITHOUT, Servers, Side, served

WIDTHS = (17, 13, 7, *(10 for _ in KINDS), 0)
SET = Path("build") / "held_out.jsonl"


def main(
    held_out: Annotated[Path, typer.Option("--set", help="The cases, a JSON line each.")] = SET,
    count: Annotated[int, typer.Option(help="At most so many cases of a kind; 0 for all.")] = 0,
    others: Annotated[
        int, typer.Option(help="The same for the sides that are there to compare with.")
    ] = 25,
    side: Annotated[
        list[str] | None, typer.Option(help="Only this side; may stand several times.")
    ] = None,
    adapter: Annotated[Path, typer.Option(help="The adapter's file.")] = ADAPTER,
    failures: Annotated[
        Path | None, typer.Option(help="Write there what is not right, a JSON line each.")
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(help="A folder for evaluation.md and evaluation.svg.")
    ] = None,
) -> None:
    """Score the default model's calls on the held-out set, over HTTP."""
    asked, cases = _sides(side), _cases(held_out, count)
    _need(adapter, asked)
    machine = (here("auto"), f"gateway: {build()}", _offered(adapter, cases))
    print(*machine, sep="\n", flush=True)
    with served(asked, adapter) as servers:
        found = [*_outcomes(servers, asked, cases, others)]
        measured = [*figures(found), *_speed(servers)]
    _print(measured, found)
    if failures:
        failures.write_text(lines(found), encoding="utf-8")
    if docs:
        (docs / "evaluation.md").write_text(page(measured, found, machine), encoding="utf-8")
        (docs / "evaluation.svg").write_text(plot(found), encoding="utf-8")


def _outcomes(
    servers: Servers, asked: Sequence[Side], cases: Sequence[Case], others: int
) -> Iterator[Outcome]:
    """One side after the other, as all have the same processors."""
    for side in asked:
        put = cases if side == WITH else chosen(cases, others)
        for choice in side.choices:
            due = [case for case in put if choice == "auto" or case.kind in ONE]
            began = time.perf_counter()
            found = [*outcomes(servers[side.name].port, side.name, choice, due)]
            right = sum(outcome.score.is_right for outcome in found)
            took_s = time.perf_counter() - began
            told = f"{side.name}, {choice}: {right} of {len(found)} right, {took_s:.0f} s"
            print(told, flush=True)
            yield from found


def _speed(servers: Servers) -> list[Figure]:
    """It takes both sides."""
    if WITH.name in servers and WITHOUT.name in servers:
        return [speed.figure(servers)]
    return []


def _cases(path: Path, count: int) -> list[Case]:
    """Those of the set, if it is one: what is expected must be right itself."""
    try:
        cases = chosen(load(path), count)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    for case in cases:
        own = score(case, case.expected)
        if not own.is_right or own.valid < own.calls:
            told = ", ".join(own.causes) or "a call that its tool does not admit"
            sys.exit(f"error: {path}: a case expects what is not right ({told}): {case.messages}")
    return cases


def _sides(names: Sequence[str] | None) -> list[Side]:
    known = {side.name: side for side in SIDES}
    if unknown := [name for name in names or () if name not in known]:
        sys.exit(f"error: no side {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def _need(adapter: Path, asked: Sequence[Side]) -> None:
    if any(side.has_adapter for side in asked) and not adapter.is_file():
        without = " ".join(f"--side {side.name}" for side in SIDES if not side.has_adapter)
        sys.exit(
            f"error: there is no adapter {adapter}; give another with --adapter,"
            f" or score the model without one: {without}"
        )


def _offered(adapter: Path, cases: Sequence[Case]) -> str:
    size = f"{adapter.stat().st_size / 2**20:.1f} MB" if adapter.is_file() else "not there"
    return f"{len(cases)} cases; adapter {adapter.name}, {size}"


def _print(measured: Sequence[Figure], found: Sequence[Outcome]) -> None:
    print("", LINE.format("", "value", "aim", "", "of").rstrip(), sep="\n")
    print(*map(row, measured), "", sep="\n")
    for cells in sides(found):
        print("".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)))
    for cause, count in causes(found).most_common():
        print(f"{count:>6} {cause}")


if __name__ == "__main__":
    typer.run(main)
