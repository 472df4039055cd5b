"""The simulation of routers, with little traffic; it has no clock but its own."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from bench.routing.page import BEGIN, END, TITLES, row, with_table
from bench.routing.replica import Cache
from bench.routing.routers import ROUTERS
from bench.routing.simulation import Result, simulate
from bench.routing.traffic import Traffic, traffic
from gateway.cluster.routing.blocks import blocks

OURS = "this gateway"
REPLICAS = 8


@cache
def sent() -> Traffic:
    return traffic(seed=1, per_s=0.6, seconds=120)


@cache
def result(router: str) -> Result:
    return simulate(REPLICAS, sent(), ROUTERS[router])


def test_traffic_is_drawn_from_its_seed() -> None:
    assert traffic(1, 0.6, 20) == traffic(1, 0.6, 20) != traffic(2, 0.6, 20)


def test_each_request_of_a_conversation_continues_the_one_before() -> None:
    for conversation in sent().conversations[:10]:
        keys = [conversation.key(turn).blocks.hashes for turn in conversation.turns]
        for before, after in pairwise(keys):
            assert after[: len(before)] == before
            assert len(after) > len(before) or len(after) > 16  # those of long prompts are long


@pytest.mark.parametrize("router", ROUTERS)
def test_a_simulation_is_deterministic(router: str) -> None:
    again = simulate(REPLICAS, sent(), ROUTERS[router])
    assert again.first_token_s == result(router).first_token_s
    assert again.work_s == result(router).work_s


def test_the_gateway_finds_more_than_routers_that_know_no_prompts() -> None:
    assert result(OURS).hit_rate > 1.5 * result("round robin").hit_rate
    assert result(OURS).hit_rate > 1.5 * result("power of two choices").hit_rate
    assert result(OURS).hit_rate > result("consistent hash").hit_rate


def test_the_gateway_balances_better_than_routers_that_know_no_load() -> None:
    assert result(OURS).imbalance < result("consistent hash").imbalance
    assert result(OURS).imbalance < result("PrefixCacheAffinityRouter").imbalance


def test_a_cache_evicts_whole_sequences_and_shares_beginnings() -> None:
    cache = Cache(tokens=1000)  # 4000 bytes
    shared = [b"a" * 999]
    first, second = blocks("m", [*shared, b"b" * 999]), blocks("m", [*shared, b"c" * 999])
    cache.add(first)
    cache.add(second)
    assert cache.cached_bytes(first) == cache.cached_bytes(second) == 2000
    cache.add(blocks("m", [b"d" * 1999]))
    assert (cache.cached_bytes(first), cache.cached_bytes(second)) == (1000, 2000)
    cache.add(blocks("m", [b"e" * 3999]))
    assert cache.cached_bytes(second) == 0


def test_a_sequence_takes_the_place_of_the_one_that_it_continues() -> None:
    cache = Cache(tokens=1000)
    cache.add(blocks("m", [b"a" * 1999]))
    cache.add(blocks("m", [b"a" * 1999, b"b" * 1999]))
    cache.add(blocks("m", [b"c" * 999]))
    assert cache.cached_bytes(blocks("m", [b"a" * 1999])) == 0


def test_the_table_takes_the_place_of_the_one_before() -> None:
    page = f"before\n{BEGIN}old\n{END}after\n"
    found = row(REPLICAS, OURS, [result(OURS)])
    assert len(found) == len(TITLES)
    written = with_table(page, "machine", [found])
    assert written.startswith(f"before\n{BEGIN}machine.\n\n| replicas |")
    assert written.endswith(f"{END}after\n")
    assert "old" not in written
    assert with_table(written, "machine", [found]) == written
