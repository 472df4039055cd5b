"""What the model itself says where no tool is on offer: python -m training.adapter.own OUT.

An adapter that never reads of that makes short work of everything: it had learned to answer the
capital of France with "I'm afraid I can't do that."
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import yaml

from gateway.chat.request import Sampling
from gateway.engine.client import Client
from gateway.engine.generation import Delta, Generation
from gateway.engine.options import EngineOptions
from training.adapter.spelling import Speller, gguf
from training.data.catalogue import ROOT

COUNT = 300
MOST_TOKENS = 120
AT_ONCE = 8
SAMPLING = Sampling(temperature=0.7, seed=1)
SHARE_WITH_SYSTEM = 0.2

Conversation = dict[str, Any]


def asked(count: int, seed: int) -> list[list[dict[str, str]]]:
    """Messages to answer: forms with their subjects."""
    random = Random(seed)
    plain, clients = (_yaml(ROOT / f"{name}.yaml") for name in ("plain", "clients"))
    found = []
    for _ in range(count):
        text = random.choice(plain["forms"]).format(random.choice(plain["subjects"]))
        system = random.choice(clients["clients"]) if random.random() < SHARE_WITH_SYSTEM else ""
        above = [{"role": "system", "content": system}] if system else []
        found.append([*above, {"role": "user", "content": text}])
    return found


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


async def answered(messages: list[list[dict[str, str]]]) -> list[Conversation]:
    """Conversations; one whose answer was cut off says so."""
    speller = Speller()
    client = await Client.start(EngineOptions(str(gguf()), 1024 * AT_ONCE))
    places = asyncio.Semaphore(AT_ONCE)

    async def answer(some: list[dict[str, str]]) -> Conversation:
        prompt = speller.parts([], some)
        text, finish = "", ""
        async with places:
            async for piece in client.generate(Generation(prompt, SAMPLING, None, MOST_TOKENS)):
                if isinstance(piece, Delta):
                    text, finish = text + piece.text, piece.finish or finish
        said = {"role": "assistant", "content": text}
        return {"tools": [], "messages": [*some, said], "is_cut": finish == "length"}

    try:
        return await asyncio.gather(*map(answer, messages))
    finally:
        await client.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = asyncio.run(answered(asked(options.count, options.seed)))
    found.sort(key=lambda one: one["messages"][0]["role"])  # alike beginnings side by side
    lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    options.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
