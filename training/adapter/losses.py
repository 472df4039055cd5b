"""The losses of a training: lines of JSON, and a picture of them."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

SMOOTH = 20  # steps that a point of the line is the mean of
LABELS = {"loss": "training", "validation": "conversations kept apart"}
Line = dict[str, Any]


class Losses:
    """A line for each step and each check, on disk at once."""

    def __init__(self, path: Path, steps: int):
        """Those after so many steps are to be taken anew."""
        kept = [line for line in read(path) if line["step"] <= steps]
        path.write_text("".join(map(_written, kept)))
        self._path = path

    def add(self, line: Line) -> None:
        with self._path.open("a") as file:
            file.write(_written(line))
        print(_written(line), end="", flush=True)


def read(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def draw(lines: list[Line], path: Path) -> None:
    """Both losses over the tokens that were read, as SVG."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    steps = [line for line in lines if "loss" in line]
    checks = [line for line in lines if "validation" in line]
    losses = [line["loss"] for line in steps]
    means = [fmean(losses[max(0, i + 1 - SMOOTH) : i + 1]) for i in range(len(losses))]
    axes.plot([line["tokens"] for line in steps], means, label=LABELS["loss"])
    heights = [line["validation"] for line in checks]
    axes.plot([line["tokens"] for line in checks], heights, "o-", label=LABELS["validation"])
    axes.set(xlabel="tokens read", ylabel="loss a token", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _written(line: Line) -> str:
    return json.dumps(line) + "\n"
