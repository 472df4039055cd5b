"""How far a training has come: what a start after a stop goes on from."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(slots=True)
class Progress:
    """Counts since the very beginning; `groups` is the place in the data."""

    steps: int = 0
    groups: int = 0
    tokens: int = 0
    counted: int = 0
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`digest` is that of the data and the settings, which must be the same to go on."""

    progress: Progress
    digest: str
    adapter: dict[str, Any]
    optimizer: dict[str, Any]

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        parts = {"adapter": self.adapter, "optimizer": self.optimizer, "digest": self.digest}
        beside = path.with_suffix(".new")
        torch.save({"progress": asdict(self.progress), **parts}, beside)
        os.replace(beside, path)


def load(path: Path) -> Checkpoint:
    data = torch.load(path, map_location="cpu", weights_only=True)
    return Checkpoint(Progress(**data.pop("progress")), **data)
