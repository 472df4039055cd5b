"""The log of the losses, as JSON lines, and its plot."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

SMOOTH = 20  # steps per moving average
LABELS = {"loss": "training", "validation": "validation"}
Line = dict[str, Any]


class Losses:
    """Appends a line per step and per validation, and flushes it."""

    def __init__(self, path: Path, steps: int):
        """Drop lines after step `steps`, which are repeated after a restart."""
        kept = [line for line in read(path) if line["step"] <= steps]
        path.write_text("".join(map(_as_line, kept)))
        self._path = path

    def add(self, line: Line) -> None:
        with self._path.open("a") as file:
            file.write(_as_line(line))
        print(_as_line(line), end="", flush=True)


def read(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def draw(lines: list[Line], path: Path) -> None:
    """Plot both losses over the number of tokens, as SVG."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    steps = [line for line in lines if "loss" in line]
    checks = [line for line in lines if "validation" in line]
    losses = [line["loss"] for line in steps]
    means = [fmean(losses[max(0, i + 1 - SMOOTH) : i + 1]) for i in range(len(losses))]
    axes.plot([line["tokens"] for line in steps], means, label=LABELS["loss"])
    heights = [line["validation"] for line in checks]
    axes.plot([line["tokens"] for line in checks], heights, "o-", label=LABELS["validation"])
    axes.set(xlabel="tokens", ylabel="loss per token", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _as_line(line: Line) -> str:
    return json.dumps(line) + "\n"
