"""Trains the adapter: python -m training.adapter.train CONVERSATIONS. A restart resumes.

If other programs keep CPUs busy, OMP_WAIT_POLICY=PASSIVE makes two threads more than twice as fast,
since they otherwise spin while they wait for each other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor

from gateway.worker.cpus import usable_cpus
from training.adapter import groups, losses, progress
from training.adapter.batch import Batch, batch
from training.adapter.export import exported
from training.adapter.model import LoraModel, load
from training.adapter.schedule import Schedule
from training.adapter.tokenizer import Tokenizer, gguf
from training.adapter.trainer import Plan, Trainer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "adapter"
PICTURE = ROOT / "adapters" / "smollm2-135m-tools.svg"
VALIDATION = 100  # conversations


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    conversations = [group for path in options.data for group in groups.read(path)]
    train, validation = groups.split(conversations, VALIDATION, options.seed)
    print(f"training: {_summary(train)}; validation: {_summary(validation)}", flush=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = LoraModel(load(gguf()).to(device), options.seed)
    tokenizer = Tokenizer()

    def read(group: list[str]) -> Batch:
        return batch([tokenizer.example(json.loads(line)) for line in group])

    if options.onto:
        model.restore(_initial_weights(options.onto, model))
    Trainer(model, _plan(options), train, validation, read, options.folder).run()
    losses.draw(losses.read(options.folder / "losses.jsonl"), options.picture)


def _initial_weights(path: Path, model: LoraModel) -> dict[str, Tensor]:
    """The adapter of a checkpoint or of an exported GGUF."""
    return exported(path, model.state) if path.suffix == ".gguf" else progress.load(path).adapter


def _plan(options: argparse.Namespace) -> Plan:
    settings = [options.rate, options.step_tokens, options.seed]
    data = b"".join(path.read_bytes() for path in options.data)
    digest = hashlib.sha256(data + repr(settings).encode()).hexdigest()
    schedule = Schedule(options.rate, options.minutes, options.tokens)
    return Plan(
        schedule, digest, options.seed, options.step_tokens, options.checkpoint_minutes * 60
    )


def _summary(some: list[list[str]]) -> str:
    return f"{sum(map(len, some))} conversations in {len(some)} groups"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("data", type=Path, nargs="+", help="conversations as JSON lines")
    add("--minutes", type=float, default=float("inf"), help="time limit")
    add("--tokens", type=float, default=4e6, help="length of the schedule in tokens")
    add("--rate", type=float, default=1e-3, help="peak learning rate")
    add("--step-tokens", type=int, default=1000, help="approximate tokens per step")
    add("--checkpoint-minutes", type=float, default=15.0)
    add("--onto", type=Path, help="checkpoint or adapter GGUF to start from")
    add("--threads", type=int, default=usable_cpus(), help="default: one per CPU")
    add("--seed", type=int, default=0)
    add("--folder", type=Path, default=FOLDER, help="folder for the checkpoint and the losses")
    add("--picture", type=Path, default=PICTURE)
    return parser.parse_args()


if __name__ == "__main__":
    main()
