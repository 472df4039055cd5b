"""Training reduces the loss and resumes from checkpoints."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.adapter import losses
from training.adapter.batch import batch
from training.adapter.model import LoraModel
from training.adapter.schedule import Schedule
from training.adapter.tests import tiny
from training.adapter.tests.tiny import Group
from training.adapter.trainer import CheckpointMismatch, Plan, Trainer

GROUPS = [tiny.group(seed) for seed in range(4)]
VALIDATION = GROUPS[:1]
PLAN = Plan(Schedule(0.01, math.inf, tokens=5000), "d", step_tokens=100)


def trainer(folder: Path, plan: Plan = PLAN) -> tuple[Trainer[Group], LoraModel]:
    folder.mkdir(exist_ok=True)
    model = LoraModel(tiny.model())
    return Trainer(model, plan, GROUPS, VALIDATION, batch, folder), model


def test_the_loss_decreases(tmp_path: Path) -> None:
    one, _ = trainer(tmp_path)
    one.run()
    lines = losses.read(tmp_path / "losses.jsonl")
    before, *_, after = [line["validation"] for line in lines if "validation" in line]
    assert after < 0.9 * before
    assert lines[-1]["tokens"] >= 5000
    losses.draw(lines, tmp_path / "new" / "losses.svg")
    assert "<svg" in (tmp_path / "new" / "losses.svg").read_text()


def test_only_the_adapter_is_trained(tmp_path: Path) -> None:
    one, model = trainer(tmp_path)
    one.run()
    assert all("lora" in name for name in model.state)
    assert {name.split(".layers.")[1][0] for name in model.state} == {"0", "2"}


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, expected = trainer(tmp_path / "whole")
    whole.run()
    first, _ = trainer(tmp_path / "parts")
    for _ in range(7):
        first.step()
    first.save()
    first.step()  # not saved, so it is repeated
    second, model = trainer(tmp_path / "parts")
    second.run()
    for name, weights in expected.state.items():
        assert torch.equal(weights, model.state[name])
    steps = [one["step"] for one in losses.read(tmp_path / "parts" / "losses.jsonl")]
    assert steps == [*dict.fromkeys(steps), steps[-1]]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    one, _ = trainer(tmp_path)
    one.save()
    with pytest.raises(CheckpointMismatch, match=r"checkpoint\.pt belongs to other data"):
        trainer(tmp_path, replace(PLAN, digest="e"))
