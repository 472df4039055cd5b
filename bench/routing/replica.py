"""A replica with a simple model of time: one prefill after the other, answers side by side."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.routing.traffic import Conversation, Turn
from gateway.cluster.routing.blocks import Blocks
from gateway.cluster.routing.held import BYTES_PER_TOKEN

SLOTS = 16
KV_TOKENS = 100_000  # in the context and in offloaded prefixes
PREFILL_TOKENS_S = 5000
TOKEN_S = 0.02  # of an answer alone
SHARED_TOKEN_S = 0.002  # for each answer beside it
FULL_TOKEN_S = (TOKEN_S + SHARED_TOKEN_S * (SLOTS - 1)) / SLOTS  # of the replica's time


class Cache:
    """Whole sequences, of which the least recently used are evicted, as in the engine."""

    def __init__(self, tokens: int = KV_TOKENS):
        self._max_bytes = tokens * BYTES_PER_TOKEN
        self._sequences: OrderedDict[int, Blocks] = OrderedDict()  # by their last block
        self._users: Counter[int] = Counter()  # sequences of each block
        self._bytes = 0

    def cached_bytes(self, blocks: Blocks) -> int:
        """The length of the longest cached prefix."""
        count = bisect_left(blocks.hashes, True, key=lambda hash: hash not in self._users)
        return blocks.ends[count - 1] if count else 0

    def add(self, blocks: Blocks) -> None:
        """Adds a sequence, which takes the place of the one that it continues, if there is one."""
        continued = next((hash for hash in reversed(blocks.hashes) if hash in self._sequences), 0)
        if continued:
            self._evict(continued)
        self._sequences[blocks.hashes[-1]] = blocks
        for hash, size in zip(blocks.hashes, blocks.sizes, strict=True):
            self._bytes += 0 if hash in self._users else size
            self._users[hash] += 1
        while self._bytes > self._max_bytes:
            self._evict(next(iter(self._sequences)))

    def _evict(self, last: int) -> None:
        blocks = self._sequences.pop(last)
        for hash, size in zip(blocks.hashes, blocks.sizes, strict=True):
            self._users[hash] -= 1
            if not self._users[hash]:
                del self._users[hash]
                self._bytes -= size


@dataclass(frozen=True, slots=True)
class Served:
    """How a request is served; `work_s` is the part of a full replica's time that it takes."""

    first_token_s: float
    end_s: float
    cached_bytes: int
    work_s: float


@dataclass(slots=True)
class SimulatedReplica:
    """Serves `SLOTS` requests at once; others are to wait in `waiting`."""

    cache: Cache = field(default_factory=Cache)
    waiting: deque[Callable[[float], None]] = field(default_factory=deque)
    running: int = 0
    _prefilled_s: float = 0.0

    @property
    def ongoing(self) -> int:
        return self.running + len(self.waiting)

    def start(self, conversation: Conversation, turn: Turn, now_s: float) -> Served:
        prompt = conversation.beginning(turn.prompt_bytes)
        cached = self.cache.cached_bytes(prompt)
        self.cache.add(prompt)
        prefill_s = (turn.prompt_bytes - cached) / BYTES_PER_TOKEN / PREFILL_TOKENS_S
        self._prefilled_s = max(now_s, self._prefilled_s) + prefill_s
        token_s = TOKEN_S + SHARED_TOKEN_S * self.running
        self.running += 1
        return Served(
            self._prefilled_s,
            self._prefilled_s + turn.answer_tokens * token_s,
            cached,
            prefill_s + turn.answer_tokens * FULL_TOKEN_S,
        )

    def finish(self, conversation: Conversation, turn: Turn) -> None:
        self.running -= 1
        self.cache.add(conversation.beginning(turn.whole_bytes))
