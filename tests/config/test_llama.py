"""The keys `llama` and `lora` of models.yaml, as they reach the worker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from gateway.config.llama import LlamaOptions
from gateway.config.load import Entry
from gateway.engine.options import Options
from gateway.errors import ConfigError, ModelUnusable
from gateway.models.build import engine_options
from gateway.models.model import EmbeddingModel
from gateway.models.registry import Registry
from tests.config.reading import read
from tests.fakes import REPO
from tests.models.launcher import Launcher, config, load


def entry(text: str, tmp_path: Path) -> Entry:
    return read(f"models: {{a: {{source: a.gguf, {text}}}}}", tmp_path).models["a"]


def options(text: str, tmp_path: Path) -> Options:
    return engine_options(entry(f"llama: {{{text}}}", tmp_path), Path("a.gguf")).llama


def test_the_worker_has_the_same_options_and_defaults() -> None:
    assert asdict(Options()) == LlamaOptions().model_dump()


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("flash_attn: on", "flash_attn", "on"),
        ("flash_attn: off", "flash_attn", "off"),
        ("flash_attn: auto", "flash_attn", "auto"),
        ("device: none", "device", ()),
        ("device: CUDA0", "device", ("CUDA0",)),
        ("device: [CUDA1, CUDA0]", "device", ("CUDA1", "CUDA0")),
        ("split_mode: none", "split_mode", "none"),
        ("tensor_split: [3, 1]", "tensor_split", (3.0, 1.0)),
        ("cache_type_v: q8_0", "cache_type_v", "q8_0"),
        ("yarn_ext_factor: 0", "yarn_ext_factor", 0.0),
    ],
)
def test_an_option_takes_the_values_of_llama_server(
    text: str, key: str, value: object, tmp_path: Path
) -> None:
    assert getattr(options(text, tmp_path), key) == value


def test_metadata_keeps_its_type(tmp_path: Path) -> None:
    text = "override_kv: {a.b: 1, a.c: 1.0, a.d: true, a.e: '1'}"
    override_kv = options(text, tmp_path).override_kv
    assert [(key, type(value)) for key, value in override_kv.items()] == [
        ("a.b", int),
        ("a.c", float),
        ("a.d", bool),
        ("a.e", str),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "llama: {batch: 5}",
            "models.a.llama.batch: no such key; valid keys are batch_size, ubatch_size",
        ),
        ("llama: {batch: 5}", "did you mean 'batch_size'?"),
        ("llama: {batch_size: 8}", "models.a.llama.batch_size: found 8; input should be greater"),
        (
            "llama: {flash_attn: 1}",
            "models.a.llama.flash_attn: found 1; input should be 'auto', 'on'",
        ),
        (
            "llama: {cache_type_k: q3_k}",
            "models.a.llama.cache_type_k: found 'q3_k'; input should be",
        ),
        (
            "llama: {cache_type_v: q8_0, flash_attn: off}",
            "models.a.llama.cache_type_v: found 'q8_0'; a quantized V cache requires flash",
        ),
        ("llama: {tensor_split: [1, -1]}", "models.a.llama.tensor_split.1: found -1"),
        ("llama: {rope_freq_scale: 0}", "models.a.llama.rope_freq_scale: found 0"),
        ("llama: {rope_freq_base: .inf}", "models.a.llama.rope_freq_base: found inf"),
        ("llama: {main_gpu: -1}", "models.a.llama.main_gpu: found -1"),
        ("llama: {device: [1]}", "models.a.llama.device.0: found 1"),
        ("llama: {split_mode: rows}", "models.a.llama.split_mode: found 'rows'; input should be"),
        ("llama: {pooling: rank}", "models.a.llama.pooling: found 'rank'; input should be 'mean'"),
        (
            "llama: {override_kv: {x: [1]}}",
            "models.a.llama.override_kv.x: found [1]; expected true, false, a number, or a string",
        ),
        ("llama: {override_kv: {x: 9223372036854775808}}", "override_kv.x: found 92233720368547"),
        (f"llama: {{override_kv: {{x: {'é' * 64}}}}}", "a string of at most 127 bytes"),
        ("llama: {override_kv: {'': 1}}", "expected a name of 1 to 127 bytes"),
        ("lora: 5", "models.a.lora: found 5"),
        ("lora: [5]", "models.a.lora.0: found 5"),
        ("lora: [[a.gguf, big]]", "models.a.lora.0.1: found 'big'; input should be a valid number"),
        ("lora: ''", "models.a.lora.0.0: found ''"),
        ("embeddings: text", "models.a.embeddings: found 'text'"),
    ],
)
def test_an_invalid_value_is_reported_with_its_key_and_the_valid_values(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        entry(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "adapters"),
    [
        ("a.gguf", (("a.gguf", 1.0),)),
        ("[a.gguf, 0.5]", (("a.gguf", 0.5),)),
        ("[a.gguf, 2]", (("a.gguf", 2.0),)),
        ("[a.gguf]", (("a.gguf", 1.0),)),
        ("[a.gguf, b.gguf]", (("a.gguf", 1.0), ("b.gguf", 1.0))),
        ("[[a.gguf, -1], b.gguf]", (("a.gguf", -1.0), ("b.gguf", 1.0))),
        ("[]", ()),
    ],
)
def test_lora_takes_one_or_several_adapters_with_or_without_a_scale(
    text: str, adapters: tuple[tuple[str, float], ...], tmp_path: Path
) -> None:
    assert entry(f"lora: {text}", tmp_path).lora == adapters


async def test_mode_options_and_adapters_reach_the_worker() -> None:
    launch = Launcher()
    more: dict[str, Any] = {
        "embeddings": True,
        "lora": ["models.yaml", 0.5],
        "llama": {"ubatch_size": 64, "device": "none"},
    }
    async with Registry(config(a=more), launch).lease("a", EmbeddingModel):
        pass
    [start] = launch.options
    assert start.embeddings
    assert start.lora == ((str(REPO / "models.yaml"), 0.5),)
    assert start.llama == Options(ubatch_size=64, device=())


async def test_a_missing_adapter_is_reported_with_its_key() -> None:
    registry = Registry(config(a={"lora": "x.gguf"}), Launcher())
    reason = r"models\.a: there is no file .*x\.gguf; correct `lora`"
    with pytest.raises(ModelUnusable, match=reason):
        await load(registry, "a")
