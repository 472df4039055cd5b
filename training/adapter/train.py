"""Train the adapter: python -m training.adapter.train CONVERSATIONS. A second start goes on.

Where other programs keep processors busy, OMP_WAIT_POLICY=PASSIVE makes two threads more than twice
as fast: else they wait for each other by spinning.
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
from training.adapter.model import Adapted, load
from training.adapter.schedule import Schedule
from training.adapter.spelling import Speller, gguf
from training.adapter.trainer import Plan, Trainer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "adapter"
PICTURE = ROOT / "adapters" / "smollm2-135m-tools.svg"
KEPT_APART = 100  # conversations


def main() -> None:
    asked = _asked()
    torch.set_num_threads(asked.threads)
    asked.folder.mkdir(parents=True, exist_ok=True)
    conversations = [group for path in asked.data for group in groups.read(path)]
    train, kept = groups.parted(conversations, KEPT_APART, asked.seed)
    print(f"{_summary(train)}, and kept apart {_summary(kept)}", flush=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Adapted(load(gguf()).to(device), asked.seed)
    speller = Speller()

    def read(group: list[str]) -> Batch:
        return batch([speller.spell(json.loads(line)) for line in group])

    if asked.onto:
        model.restore(_begun(asked.onto, model))
    Trainer(model, _plan(asked), train, kept, read, asked.folder).run()
    losses.draw(losses.read(asked.folder / "losses.jsonl"), asked.picture)


def _begun(path: Path, model: Adapted) -> dict[str, Tensor]:
    """The adapter of a checkpoint, or of the file that one was exported to."""
    return exported(path, model.state) if path.suffix == ".gguf" else progress.load(path).adapter


def _plan(asked: argparse.Namespace) -> Plan:
    settings = [asked.rate, asked.step_tokens, asked.seed]
    data = b"".join(path.read_bytes() for path in asked.data)
    digest = hashlib.sha256(data + repr(settings).encode()).hexdigest()
    schedule = Schedule(asked.rate, asked.minutes, asked.tokens)
    return Plan(schedule, digest, asked.seed, asked.step_tokens, asked.checkpoint_minutes * 60)


def _summary(some: list[list[str]]) -> str:
    return f"{sum(map(len, some))} conversations in {len(some)} groups"


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("data", type=Path, nargs="+", help="lines of JSON: conversations")
    add("--minutes", type=float, default=float("inf"), help="how long, if that ends first")
    add("--tokens", type=float, default=4e6, help="to read; the schedule is laid over them")
    add("--rate", type=float, default=1e-3, help="the highest learning rate")
    add("--step-tokens", type=int, default=1000, help="tokens that a step reads, about")
    add("--checkpoint-minutes", type=float, default=15.0)
    add("--onto", type=Path, help="a checkpoint, or an adapter's file, to begin with")
    add("--threads", type=int, default=usable_cpus(), help="default: one for each processor")
    add("--seed", type=int, default=0)
    add("--folder", type=Path, default=FOLDER, help="of the checkpoint and the losses")
    add("--picture", type=Path, default=PICTURE)
    return parser.parse_args()


if __name__ == "__main__":
    main()
