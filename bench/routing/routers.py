"""The gateway's router, and known ones to compare it with."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Protocol

from bench.routing.replica import KV_TOKENS
from gateway.cluster.routing.held import HeldPrefixes, Report
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.policy import Policy, Replica

MAX_ONGOING = 32
MODELS = {"m": 1000}


class Router(Protocol):
    """Chooses a replica by its number; `ongoing` has the requests of each."""

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int: ...

    def report(self) -> None:
        """Called every ten seconds of the simulation."""


class RoundRobin:
    def __init__(self, replicas: int, random: Random):
        self._next = count()
        self._replicas = replicas

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int:
        return next(self._next) % self._replicas

    def report(self) -> None: ...


class PowerOfTwo:
    """Ray Serve's default: the less busy one of two random replicas."""

    def __init__(self, replicas: int, random: Random):
        self._all = range(replicas)
        self._random = random

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int:
        return min(self._random.sample(self._all, 2), key=ongoing.__getitem__)

    def report(self) -> None: ...


class ConsistentHash:
    """A ring of 160 points for each replica, as nginx has; each session has a place on it."""

    def __init__(self, replicas: int, random: Random):
        points = sorted((_point(f"{i} {j}"), i) for i in range(replicas) for j in range(160))
        self._points = [point for point, _ in points]
        self._owners = [owner for _, owner in points]

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int:
        return self._owners[bisect(self._points, _point(key.session)) % len(self._owners)]

    def report(self) -> None: ...


class PrefixTree:
    """The policy of Ray's PrefixCacheAffinityRouter, with other settings that of SGLang's router.

    Unless the loads differ by too much, the replicas that were sent the longest prefix of a prompt,
    if it is `min_match` of it, otherwise those that were sent the least text. The least busy of
    these is chosen. If the loads differ, two random ones are these, or all. Ray's default is to
    forget nothing. The tree is of blocks here, not of characters.
    Source: https://docs.ray.io/en/latest/serve/llm/prefix-aware-request-router.html
    """

    def __init__(
        self,
        replicas: int,
        random: Random,
        min_match: float = 0.1,
        is_imbalanced: Callable[[int, int], bool] = lambda most, least: False,
        fallback: int = 2,
    ):
        self._all = range(replicas)
        self._random = random
        self._min_match = min_match
        self._is_imbalanced = is_imbalanced
        self._fallback = fallback
        self._sent: dict[int, dict[int, None]] = {}
        self._sizes: Counter[int] = Counter(dict.fromkeys(self._all, 0))

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int:
        chosen = min(self._candidates(key, ongoing), key=ongoing.__getitem__)
        for hash, size in zip(key.blocks.hashes, key.blocks.sizes, strict=True):
            replicas = self._sent.setdefault(hash, {})
            if chosen not in replicas:
                replicas[chosen] = None
                self._sizes[chosen] += size
        return chosen

    def _candidates(self, key: RoutingKey, ongoing: Sequence[int]) -> Sequence[int]:
        if self._is_imbalanced(max(ongoing), min(ongoing)):
            return self._random.sample(self._all, min(self._fallback, len(self._all)))
        length = key.blocks.ends[-1] if key.blocks.ends else 1
        for hash, end in zip(reversed(key.blocks.hashes), reversed(key.blocks.ends), strict=True):
            if hash in self._sent and end / length >= self._min_match:
                return [*self._sent[hash]]
        least = min(self._sizes.values())
        return [replica for replica, size in self._sizes.items() if size == least]

    def report(self) -> None: ...


def cache_aware(replicas: int, random: Random) -> PrefixTree:
    """The defaults of SGLang's router."""

    def is_imbalanced(most: int, least: int) -> bool:
        return most - least > 64 and most > 1.5 * least

    return PrefixTree(replicas, random, 0.3, is_imbalanced, fallback=replicas)


class Ours:
    """The gateway's policy, with what replicas report of what they were sent."""

    def __init__(self, replicas: int, random: Random):
        self._policy = Policy(random)
        self._held = [HeldPrefixes(KV_TOKENS) for _ in range(replicas)]
        self._names = {str(number): number for number in range(replicas)}
        self.report()

    def choose(self, key: RoutingKey, ongoing: Sequence[int]) -> int:
        names = self._names
        name = self._policy.rank(key, lambda name: ongoing[names[name]])[0]
        self._policy.routed(key, name)
        self._held[names[name]].record(key)
        return names[name]

    def report(self) -> None:
        reports = [Report.from_stats(held.report(MODELS, 0).to_stats()) for held in self._held]
        self._policy.update(
            {name: Replica(MAX_ONGOING, reports[number]) for name, number in self._names.items()}
        )


def _point(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


ROUTERS: dict[str, Callable[[int, Random], Router]] = {
    "round robin": RoundRobin,
    "power of two choices": PowerOfTwo,
    "consistent hash": ConsistentHash,
    "PrefixCacheAffinityRouter": PrefixTree,
    "SGLang, `cache_aware`": cache_aware,
    "this gateway": Ours,
}
