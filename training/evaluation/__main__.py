"""Scores the tool calls of the default model on the held-out set, over HTTP: `make eval`."""

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
    held_out: Annotated[Path, typer.Option("--set", help="The cases, as JSON lines.")] = SET,
    count: Annotated[int, typer.Option(help="Maximum cases of each kind; 0 for all.")] = 0,
    others: Annotated[
        int, typer.Option(help="Maximum cases of each kind for the other sides.")
    ] = 25,
    side: Annotated[
        list[str] | None, typer.Option(help="Score only this side; can be repeated.")
    ] = None,
    adapter: Annotated[Path, typer.Option(help="Path of the adapter.")] = ADAPTER,
    failures: Annotated[
        Path | None, typer.Option(help="Write wrong answers to this file, as JSON lines.")
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(help="Write evaluation.md and evaluation.svg to this folder.")
    ] = None,
) -> None:
    """Score the tool calls of the default model on the held-out set, over HTTP."""
    selected, cases = _sides(side), _cases(held_out, count)
    _check_adapter(adapter, selected)
    machine = (here("auto"), f"gateway: {build()}", _setup(adapter, cases))
    print(*machine, sep="\n", flush=True)
    with served(selected, adapter) as servers:
        results = [*_outcomes(servers, selected, cases, others)]
        measured = [*figures(results), *_speed(servers)]
    _print(measured, results)
    if failures:
        failures.write_text(lines(results), encoding="utf-8")
    if docs:
        (docs / "evaluation.md").write_text(page(measured, results, machine), encoding="utf-8")
        (docs / "evaluation.svg").write_text(plot(results), encoding="utf-8")


def _outcomes(
    servers: Servers, selected: Sequence[Side], cases: Sequence[Case], others: int
) -> Iterator[Outcome]:
    """One side after the other, since they share the CPUs."""
    for side in selected:
        chosen_cases = cases if side == WITH else chosen(cases, others)
        for choice in side.choices:
            subset = [case for case in chosen_cases if choice == "auto" or case.kind in ONE]
            began = time.perf_counter()
            found = [*outcomes(servers[side.name].port, side.name, choice, subset)]
            right = sum(outcome.score.is_right for outcome in found)
            took_s = time.perf_counter() - began
            line = f"{side.name}, {choice}: {right} of {len(found)} right, {took_s:.0f} s"
            print(line, flush=True)
            yield from found


def _speed(servers: Servers) -> list[Figure]:
    """The speed figure, if both sides are served."""
    if WITH.name in servers and WITHOUT.name in servers:
        return [speed.figure(servers)]
    return []


def _cases(path: Path, count: int) -> list[Case]:
    """Load the cases; exits if the expected answer of one does not score as right."""
    try:
        cases = chosen(load(path), count)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    for case in cases:
        own = score(case, case.expected)
        if not own.is_right or own.valid < own.calls:
            why = ", ".join(own.causes) or "arguments that violate the schema"
            sys.exit(f"error: {path}: an expected answer is wrong ({why}): {case.messages}")
    return cases


def _sides(names: Sequence[str] | None) -> list[Side]:
    known = {side.name: side for side in SIDES}
    if unknown := [name for name in names or () if name not in known]:
        sys.exit(f"error: no side {unknown[0]!r}; valid are {', '.join(known)}")
    return [known[name] for name in names or known]


def _check_adapter(adapter: Path, selected: Sequence[Side]) -> None:
    if any(side.has_adapter for side in selected) and not adapter.is_file():
        without = " ".join(f"--side {side.name}" for side in SIDES if not side.has_adapter)
        sys.exit(
            f"error: there is no adapter {adapter}; set its path with --adapter,"
            f" or score the model without one: {without}"
        )


def _setup(adapter: Path, cases: Sequence[Case]) -> str:
    size = f"{adapter.stat().st_size / 2**20:.1f} MB" if adapter.is_file() else "missing"
    return f"{len(cases)} cases; adapter {adapter.name}, {size}"


def _print(measured: Sequence[Figure], found: Sequence[Outcome]) -> None:
    print("", LINE.format("", "value", "target", "", "from").rstrip(), sep="\n")
    print(*map(row, measured), "", sep="\n")
    for cells in sides(found):
        print("".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)))
    for cause, count in causes(found).most_common():
        print(f"{count:>6} {cause}")


if __name__ == "__main__":
    typer.run(main)
