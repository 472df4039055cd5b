"""Records the model's own answers to requests without tools: python -m training.adapter.own OUT.

They are training data, too: an adapter trained without them answered a question about the capital
of France with "I'm afraid I can't do that."
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
from training.adapter.tokenizer import Tokenizer, gguf
from training.data.catalogue import ROOT

COUNT = 300
MAX_TOKENS = 120
CONCURRENCY = 8
SAMPLING = Sampling(temperature=0.7, seed=1)
SHARE_WITH_SYSTEM = 0.2

Conversation = dict[str, Any]


def questions(count: int, seed: int) -> list[list[dict[str, str]]]:
    """Messages of `count` conversations: sentence forms with subjects filled in."""
    random = Random(seed)
    plain, clients = (_yaml(ROOT / f"{name}.yaml") for name in ("plain", "clients"))
    found = []
    for _ in range(count):
        text = random.choice(plain["forms"]).format(random.choice(plain["subjects"]))
        system = random.choice(clients["clients"]) if random.random() < SHARE_WITH_SYSTEM else ""
        prefix = [{"role": "system", "content": system}] if system else []
        found.append([*prefix, {"role": "user", "content": text}])
    return found


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


async def answers(messages: list[list[dict[str, str]]]) -> list[Conversation]:
    """The conversations with their answers; `is_cut` marks an answer that was cut off."""
    tokenizer = Tokenizer()
    client = await Client.start(EngineOptions(str(gguf()), 1024 * CONCURRENCY))
    slots = asyncio.Semaphore(CONCURRENCY)

    async def answer(some: list[dict[str, str]]) -> Conversation:
        prompt = tokenizer.parts([], some)
        text, finish = "", ""
        async with slots:
            async for output in client.generate(Generation(prompt, SAMPLING, None, MAX_TOKENS)):
                if isinstance(output, Delta):
                    text, finish = text + output.text, output.finish or finish
        reply = {"role": "assistant", "content": text}
        return {"tools": [], "messages": [*some, reply], "is_cut": finish == "length"}

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
    found = asyncio.run(answers(questions(options.count, options.seed)))
    found.sort(key=lambda one: one["messages"][0]["role"])  # equal prefixes next to each other
    lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    options.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
