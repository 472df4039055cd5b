"""Checkpoints, from which training resumes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(slots=True)
class Progress:
    """Counts since the start of training; `groups` is the position in the data."""

    steps: int = 0
    groups: int = 0
    tokens: int = 0
    counted: int = 0
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a training run; `digest` identifies its data and settings."""

    progress: Progress
    digest: str
    adapter: dict[str, Any]
    optimizer: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically."""
        parts = {"adapter": self.adapter, "optimizer": self.optimizer, "digest": self.digest}
        temporary = path.with_suffix(".new")
        torch.save({"progress": asdict(self.progress), **parts}, temporary)
        os.replace(temporary, path)


def load(path: Path) -> Checkpoint:
    data = torch.load(path, map_location="cpu", weights_only=True)
    return Checkpoint(Progress(**data.pop("progress")), **data)
