"""What a replica holds, and its report of it to the routers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from gateway.cluster.routing.key import RoutingKey

BYTES_PER_TOKEN = 4  # of English text and code; JSON has fewer
OFFLOADED_TOKENS_PER_MB = 8  # of Llama 3 8B; smaller models have more
MAX_REPORTED_BLOCKS = 512  # 4 KB: 512 replicas report 2 MB
HASH_BYTES = 8


class Report(msgspec.Struct, frozen=True):
    """What a replica tells the routers.

    The hashes of the blocks that it holds; the memory of each loaded model by each of its names,
    and the memory for further models, in MB.
    """

    blocks: tuple[int, ...] = ()
    models: Mapping[str, int] = {}
    free_mb: int = 0

    def to_stats(self) -> dict[str, Any]:
        """Returns the report as Ray Serve's routing stats."""
        packed = b"".join(block.to_bytes(HASH_BYTES, "big") for block in self.blocks)
        return {"blocks": packed, "models": dict(self.models), "free_mb": self.free_mb}

    @classmethod
    def from_stats(cls, stats: Mapping[str, Any]) -> Report:
        """Returns the report in routing stats; an empty one if there is none yet."""
        packed = stats.get("blocks", b"")
        starts = range(0, len(packed), HASH_BYTES)
        blocks = tuple(int.from_bytes(packed[at : at + HASH_BYTES], "big") for at in starts)
        return cls(blocks, stats.get("models", {}), stats.get("free_mb", 0))


def kv_tokens(context: int, offload_mb: int) -> int:
    """Returns how many tokens a model keeps in its context and in RAM, estimated."""
    return context + offload_mb * OFFLOADED_TOKENS_PER_MB


class HeldPrefixes:
    """The blocks of prompts that a replica's models have in their KV caches, estimated.

    A model keeps the blocks that were used last, up to `kv_tokens`; the end of a prompt is evicted
    before its beginning. What differs from the engine's cache
    (`gateway/worker/scheduler/prefix_cache.py`): tokens are estimated from bytes, answers count
    only when they come back in a prompt, and the engine evicts whole sequences.
    """

    def __init__(self, kv_tokens: int):
        self._max_bytes = kv_tokens * BYTES_PER_TOKEN
        self._models: dict[str, _Blocks] = {}

    def record(self, key: RoutingKey) -> None:
        """Adds the prompt of a request."""
        if key.blocks.hashes:
            self._models.setdefault(key.model, _Blocks()).use(key, self._max_bytes)

    def forget(self, models: set[str]) -> None:
        """Removes the prompts of models that were unloaded."""
        for model in models & self._models.keys():
            del self._models[model]

    def report(self, models: Mapping[str, int], free_mb: int) -> Report:
        """Returns a report with the blocks of `models`, the last used of each if there are many.

        `models` are the MB of the loaded models, by each of their names.
        """
        self.forget(self._models.keys() - models.keys())
        share = MAX_REPORTED_BLOCKS // max(1, len(self._models))
        latest = (held.latest(share) for held in self._models.values())
        return Report(tuple(chain.from_iterable(latest)), models, free_mb)


@dataclass(slots=True)
class _Blocks:
    """The blocks of one model with their bytes, the least recently used first."""

    sizes: OrderedDict[int, int] = field(default_factory=OrderedDict)
    bytes: int = 0

    def use(self, key: RoutingKey, max_bytes: int) -> None:
        for hash, size in reversed([*zip(key.blocks.hashes, key.blocks.sizes, strict=True)]):
            if hash not in self.sizes:
                self.sizes[hash] = size
                self.bytes += size
            self.sizes.move_to_end(hash)
        while self.bytes > max_bytes:
            _, size = self.sizes.popitem(last=False)
            self.bytes -= size

    def latest(self, most: int) -> list[int]:
        """The `most` blocks that were used last."""
        return [*self.sizes][-most:]
