"""The gateway without grammars: unconstrained output, parsed as usual.

`python -m training.evaluation.free CONFIG PORT` serves the models of a models.yaml.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from gateway.api.server.address import listen
from gateway.api.server.serve import run
from gateway.app import create_app
from gateway.config.load import load
from gateway.engine.client import Client
from gateway.engine.engine import EngineInfo, EngineStats, Features, WorkerEngine
from gateway.engine.generation import Embeddings, Generation, Output, Tokens
from gateway.engine.options import EngineOptions
from gateway.formats.families import FAMILIES


class Free:
    """An engine that drops the grammar of each request."""

    def __init__(self, worker: WorkerEngine):
        self._worker = worker

    features = Features()

    @property
    def info(self) -> EngineInfo:
        return self._worker.info

    @property
    def is_alive(self) -> bool:
        return self._worker.is_alive

    @property
    def stats(self) -> EngineStats:
        return self._worker.stats

    @property
    def resident_bytes(self) -> int:
        return self._worker.resident_bytes

    async def stop(self) -> None:
        await self._worker.stop()

    async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
        return await self._worker.embed(inputs)

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        return await self._worker.tokenize(prompt, add_special=add_special)

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        return await self._worker.pieces(tokens)

    def generate(self, generation: Generation) -> AsyncGenerator[Output, None]:
        return self._worker.generate(msgspec.structs.replace(generation, grammar=None))


async def launch(start: EngineOptions, *_: object) -> Free:
    return Free(await Client.start(start))


def main(config: Path, port: int) -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    app = create_app(load(config, tuple(FAMILIES)), launch)
    run(app, listen("127.0.0.1", port), grace_s=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
