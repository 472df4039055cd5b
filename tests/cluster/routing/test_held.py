from __future__ import annotations

from gateway.cluster.routing.blocks import blocks
from gateway.cluster.routing.held import MAX_REPORTED_BLOCKS, HeldPrefixes, Report, kv_tokens
from gateway.cluster.routing.key import RoutingKey

SHARED = b"You are a helpful assistant." * 40
LOADED = {"m": 100}


def key(*messages: bytes, model: str = "m") -> RoutingKey:
    return RoutingKey(model, "", blocks(model, messages))


def held(prefixes: HeldPrefixes) -> set[int]:
    return {*prefixes.report(LOADED, 0).blocks}


def test_a_prompt_is_held() -> None:
    prefixes = HeldPrefixes(kv_tokens=4096)
    prefixes.record(key(SHARED, b"Hello"))
    assert held(prefixes) == {*key(SHARED, b"Hello").blocks.hashes}


def test_the_least_recently_used_end_is_evicted_first() -> None:
    prefixes = HeldPrefixes(kv_tokens=750)  # 3000 bytes
    for question in (b"a" * 800, b"b" * 800, b"c" * 800):
        prefixes.record(key(SHARED, question))
    shared, last = key(SHARED).blocks.hashes, key(SHARED, b"c" * 800).blocks.hashes
    assert {*shared, *last} <= held(prefixes)
    assert not {*key(SHARED, b"a" * 800).blocks.hashes[len(shared) :]} & held(prefixes)


def test_a_prompt_beyond_the_context_leaves_its_beginning() -> None:
    prefixes = HeldPrefixes(kv_tokens=500)
    whole = key(b"a" * 10_000).blocks
    prefixes.record(key(b"a" * 10_000))
    assert held(prefixes) == {
        hash for hash, end in zip(whole.hashes, whole.ends, strict=True) if end <= 2000
    }


def test_prefixes_in_ram_count_beside_the_context() -> None:
    assert kv_tokens(context=4096, offload_mb=0) == 4096
    assert kv_tokens(context=4096, offload_mb=512) == 8192  # with Llama 3 8B


def test_what_an_unloaded_model_held_is_forgotten() -> None:
    prefixes = HeldPrefixes(kv_tokens=4096)
    prefixes.record(key(SHARED))
    prefixes.record(key(SHARED, model="n"))
    assert {*prefixes.report({"n": 100}, 0).blocks} == {*key(SHARED, model="n").blocks.hashes}
    assert {*prefixes.report({"m": 100, "n": 100}, 0).blocks} == {
        *key(SHARED, model="n").blocks.hashes
    }


def test_a_report_is_small_whatever_is_held() -> None:
    prefixes = HeldPrefixes(kv_tokens=10_000_000)
    for number in range(300):
        prefixes.record(key(b"%d" % number * 3000))
    report = prefixes.report(LOADED, 0)
    assert len(report.blocks) == MAX_REPORTED_BLOCKS
    assert {*key(b"299" * 3000).blocks.hashes} <= {*report.blocks}
    assert len(report.to_stats()["blocks"]) == 4096


def test_stats_are_read_as_they_were_reported() -> None:
    report = Report(key(SHARED, b"Hello").blocks.hashes, {"m": 100}, 2000)
    assert Report.from_stats(report.to_stats()) == report
    assert Report.from_stats({}) == Report()
