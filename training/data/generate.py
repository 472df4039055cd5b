"""Generates conversations: python -m training.data.generate --count 60000 --out FILE.jsonl."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from training.data.catalogue import HELD_OUT, ROOT, load
from training.data.deck import conversations
from training.data.setting import EVALUATION, TRAINING

TRAINING_COUNT = 60_000
EVALUATION_COUNT = 1200


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    folder, setting = (HELD_OUT, EVALUATION) if options.held_out else (ROOT, TRAINING)
    count = options.count or (EVALUATION_COUNT if options.held_out else TRAINING_COUNT)
    kinds: Counter[str] = Counter()
    with options.out.open("w", encoding="utf-8") as file:
        for one in islice(conversations(load(folder), options.seed, setting), count):
            file.write(one.line() + "\n")
            kinds[one.kind] += 1
    print(*(f"{kind} {found}" for kind, found in kinds.most_common()), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--held-out", action="store_true", help="use the tools of held_out/, for the evaluation"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int)
    parser.add_argument("--out", type=Path, required=True)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
