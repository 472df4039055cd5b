"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

from training.adapter import progress
from training.adapter.batch import Batch
from training.adapter.groups import epochs
from training.adapter.losses import Losses
from training.adapter.model import LoraModel
from training.adapter.progress import Checkpoint, Progress
from training.adapter.schedule import Schedule

G = TypeVar("G")
MAX_NORM = 1.0  # of the gradient


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of a run; `digest` identifies them and the data, `step_tokens` is approximate."""

    schedule: Schedule
    digest: str
    seed: int = 0
    step_tokens: int = 4000
    checkpoint_s: float = 300.0


class CheckpointMismatch(Exception):
    """The checkpoint belongs to other data or settings."""


class Trainer(Generic[G]):
    """Resumes from a checkpoint in `folder`, if there is one; `read` turns a group into a batch."""

    def __init__(
        self,
        model: LoraModel,
        plan: Plan,
        groups: Sequence[G],
        validation: Sequence[G],
        read: Callable[[G], Batch],
        folder: Path,
    ):
        self._model, self._plan, self._validation, self._read = model, plan, validation, read
        self._optimizer = torch.optim.AdamW(model.parameters, weight_decay=0.0)
        self._path = folder / "checkpoint.pt"
        self._progress = self._resume()
        self._losses = Losses(folder / "losses.jsonl", self._progress.steps)
        self._groups = epochs(groups, plan.seed, self._progress.groups)
        self._since = time.monotonic()

    @property
    def done(self) -> float:
        return self._plan.schedule.done(self._progress.spent_s, self._progress.tokens)

    def run(self) -> None:
        saved_s = self._progress.spent_s
        if not self._progress.steps:
            self._validate()
        while self.done < 1:
            self.step()
            if self.done >= 1 or self._progress.spent_s - saved_s > self._plan.checkpoint_s:
                self._validate()
                self.save()
                saved_s = self._progress.spent_s

    def step(self) -> None:
        batches = self._next()
        targets = sum(len(one.targets) for one in batches)
        rate = self._plan.schedule.rate_at(self.done)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = sum(self._model.accumulate_gradient(one, 1 / targets) for one in batches) / targets
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters, MAX_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._count(batches, targets)
        self._log(loss=loss, rate=rate, norm=norm.item())

    def _next(self) -> list[Batch]:
        batches: list[Batch] = []
        while sum(one.tokens.numel() for one in batches) < self._plan.step_tokens:
            batches.append(self._read(next(self._groups)))
        return batches

    def _count(self, batches: Sequence[Batch], targets: int) -> None:
        now = self._progress
        now.steps += 1
        now.groups += len(batches)
        now.tokens += sum(one.tokens.numel() for one in batches)
        now.counted += targets
        self._clock()

    def _clock(self) -> None:
        now = time.monotonic()
        self._progress.spent_s += now - self._since
        self._since = now

    def _validate(self) -> None:
        """Compute and log the validation loss."""
        batches = [*map(self._read, self._validation)]
        targets = sum(len(one.targets) for one in batches)
        loss = sum(self._model.loss(one) for one in batches) / targets
        self._clock()
        self._log(validation=loss)

    def _log(self, **values: float) -> None:
        now = self._progress
        counts = {"step": now.steps, "tokens": now.tokens, "counted": now.counted}
        minutes = {"minutes": round(now.spent_s / 60, 2)}
        self._losses.add(counts | minutes | {key: float(f"{x:.5g}") for key, x in values.items()})

    # -- checkpoints

    def save(self) -> None:
        state, optimizer = self._model.state, self._optimizer.state_dict()
        Checkpoint(self._progress, self._plan.digest, state, optimizer).save(self._path)

    def _resume(self) -> Progress:
        if not self._path.exists():
            return Progress()
        found = progress.load(self._path)
        if found.digest != self._plan.digest:
            raise CheckpointMismatch(
                f"{self._path} belongs to other data or settings; remove it, or restore them"
            )
        self._model.restore(found.adapter)
        self._optimizer.load_state_dict(found.optimizer)
        return found.progress
