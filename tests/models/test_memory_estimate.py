"""What a model will take is known before it is loaded."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path
from typing import Any, get_args

import gguf
import pytest

from gateway.config.llama import CacheType
from gateway.engine.options import CacheOffload, EngineOptions, Options
from gateway.models.gguf import read_header
from gateway.models.memory_estimate import CACHE_TYPES, MB, SEQUENCES, footprint
from gateway.worker.llama import parameters
from tests.worker import tiny
from tests.worker.conftest import model_path  # noqa: F401 - a fixture

F16 = 2


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")


def start(path: Path, context: int = 1024, **more: Any) -> EngineOptions:
    return EngineOptions(str(path), context, **more)


def test_a_context_takes_keys_and_values_of_every_layer(path: Path) -> None:
    kept = footprint(start(path))
    assert kept.weights == read_header(path).weights
    assert kept.cache == 1024 * tiny.LAYERS * tiny.WIDTH * 2 * F16
    assert footprint(start(path, context=1025)).cache == kept.cache * 1280 // 1024
    assert footprint(start(path, llama=Options(cache_type_k="f32"))).cache == kept.cache * 1.5


def test_adapters_and_prefixes_take_room_too(path: Path, tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter.gguf")
    lora = ((str(adapter), 1.0),)
    more = footprint(start(path, cache_offload=CacheOffload(memory_bytes=3 * MB), lora=lora))
    less = footprint(start(path))
    assert more.total - less.total == 3 * MB + read_header(adapter).weights


def test_a_recurrent_model_has_states(tmp_path: Path) -> None:
    one = tiny.recurrent(tmp_path / "mamba.gguf")
    values = (tiny.CONVOLUTION - 1) * 2 * tiny.WIDTH + tiny.STATE * 2 * tiny.WIDTH
    assert footprint(start(one)).cache >= SEQUENCES * tiny.LAYERS * values * 4


@pytest.mark.parametrize("key", ["attention.head_count_kv", "feed_forward_length"])
def test_what_is_no_number_counts_for_nothing(tmp_path: Path, key: str) -> None:
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "llama")
    writer.add_array(f"llama.{key}", [nan, inf])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    kept = footprint(start(tmp_path / "odd.gguf"))
    assert kept.weights == kept.cache == 0


def test_an_embedding_model_reads_a_batch_at_most(tmp_path: Path) -> None:
    bert = tiny.bert(tmp_path / "bert.gguf")
    short, long = (footprint(start(bert, tokens, embeddings=True)) for tokens in (512, 2**20))
    assert short == long


def test_a_footprint_says_what_it_is_made_of(path: Path) -> None:
    assert str(footprint(start(path))).startswith("104 MB (0 for weights, 0 for the context, ")


def test_the_engine_has_as_many_sequences_and_types_of_cache() -> None:
    assert parameters.MAX_SEQUENCES == SEQUENCES
    assert set(get_args(CacheType)) == set(CACHE_TYPES)


@pytest.mark.model
def test_the_embedded_model_takes_about_what_llama_cpp_reports(model_path: Path) -> None:  # noqa: F811
    kept = footprint(start(model_path, 8192))
    assert round(kept.weights / MB) == 92
    assert kept.cache == 180 * MB
    assert 98 * MB < kept.compute < 120 * MB
