"""The memory that a model needs is estimated before it is loaded."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path
from typing import Any, get_args

import gguf
import pytest

from gateway.config.llama import CacheType
from gateway.engine.options import CacheOffload, EngineOptions, Options
from gateway.models.gguf import read_header
from gateway.models.memory_estimate import (
    CACHE_TYPES,
    MAX_SEQUENCES,
    MB,
    MemoryEstimate,
    estimate_memory,
)
from gateway.worker.llama import parameters
from tests.worker import tiny

F16 = 2


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")


def estimate(path: Path, context: int = 1024, **more: Any) -> MemoryEstimate:
    return estimate_memory(EngineOptions(str(path), context, **more))


def test_the_kv_cache_has_keys_and_values_of_each_layer(path: Path) -> None:
    kept = estimate(path)
    assert kept.weights == read_header(path).weights
    assert kept.kv_cache == 1024 * tiny.LAYERS * tiny.WIDTH * 2 * F16
    assert estimate(path, context=1025).kv_cache == kept.kv_cache * 1280 // 1024
    assert estimate(path, llama=Options(cache_type_k="f32")).kv_cache == kept.kv_cache * 1.5


def test_adapters_and_offloaded_prefixes_are_counted(path: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter.gguf")
    lora = ((str(adapter), 1.0),)
    more = estimate(path, cache_offload=CacheOffload(memory_bytes=3 * MB), lora=lora)
    less = estimate(path)
    assert more.total - less.total == 3 * MB + read_header(adapter).weights


def test_a_recurrent_model_has_states(tmp_path: Path) -> None:
    one = tiny.recurrent(tmp_path / "mamba.gguf")
    values = (tiny.CONVOLUTION - 1) * 2 * tiny.WIDTH + tiny.STATE * 2 * tiny.WIDTH
    assert estimate(one).kv_cache >= MAX_SEQUENCES * tiny.LAYERS * values * 4


@pytest.mark.parametrize("key", ["attention.head_count_kv", "feed_forward_length"])
def test_metadata_that_is_no_number_counts_as_zero(tmp_path: Path, key: str) -> None:
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "llama")
    writer.add_array(f"llama.{key}", [nan, inf])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    kept = estimate(tmp_path / "odd.gguf")
    assert kept.weights == kept.kv_cache == 0


def test_an_embedding_model_needs_a_context_of_one_batch(tmp_path: Path) -> None:
    bert = tiny.bert(tmp_path / "bert.gguf")
    short, long = (estimate(bert, tokens, embeddings=True) for tokens in (512, 2**20))
    assert short == long


def test_an_estimate_lists_its_parts(path: Path) -> None:
    assert str(estimate(path)).startswith("116 MB (0 for weights, 0 for the KV cache, ")


def test_the_worker_has_as_many_sequences_and_types_of_cache() -> None:
    assert parameters.MAX_SEQUENCES == MAX_SEQUENCES
    assert set(get_args(CacheType)) == set(CACHE_TYPES)


@pytest.mark.model
def test_the_embedded_model_needs_what_llama_cpp_reports(model_path: Path) -> None:
    kept = estimate(model_path, 8192)
    assert round(kept.weights / MB) == 92
    assert kept.kv_cache == 180 * MB
    assert 98 * MB < kept.compute < 120 * MB
