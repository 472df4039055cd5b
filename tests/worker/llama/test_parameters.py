"""Each option sets its field of llama.cpp's parameters."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp as lib
import msgspec
import pytest

from gateway.admission.admission import SLOTS
from gateway.engine.options import EngineOptions, Options
from gateway.worker.llama.parameters import (
    MAX_SEQUENCES,
    OptionError,
    context_parameters,
    model_parameters,
)

DEVICES = {"CUDA0": 0x1000, "CUDA1": 0x2000}


def start(**options: Any) -> EngineOptions:
    return EngineOptions("a.gguf", 4096, 5, llama=Options(**options))


def test_an_option_that_is_not_set_keeps_llama_cpps_default() -> None:
    defaults: Any = lib.llama_context_default_params()
    given: Any = context_parameters(start(), 3)
    ours = {"n_ctx", "n_batch", "n_seq_max", "n_threads", "n_threads_batch", "swa_full"}
    for name in {field[0] for field in lib.llama_context_params._fields_} - ours - {"kv_unified"}:
        if isinstance(default := getattr(defaults, name), int | float):
            assert getattr(given, name) == default, name
    assert (given.n_ctx, given.n_batch, given.n_threads, given.n_threads_batch) == (4096, 512, 3, 3)
    parameters: Any = model_parameters(start(), DEVICES)[0]
    assert (parameters.n_gpu_layers, parameters.load_mode) == (5, lib.LLAMA_LOAD_MODE_AUTO)
    assert not parameters.devices
    assert not parameters.tensor_split
    assert not parameters.kv_overrides


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"batch_size": 64}, "n_batch", 64),
        ({"ubatch_size": 64}, "n_ubatch", 64),
        ({"flash_attn": "auto"}, "flash_attn_type", lib.LLAMA_FLASH_ATTN_TYPE_AUTO),
        ({"flash_attn": "on"}, "flash_attn_type", lib.LLAMA_FLASH_ATTN_TYPE_ENABLED),
        ({"flash_attn": "off"}, "flash_attn_type", lib.LLAMA_FLASH_ATTN_TYPE_DISABLED),
        ({"cache_type_k": "f32"}, "type_k", 0),
        ({"cache_type_k": "f16"}, "type_k", 1),
        ({"cache_type_k": "q4_0"}, "type_k", 2),
        ({"cache_type_k": "q4_1"}, "type_k", 3),
        ({"cache_type_k": "q5_0"}, "type_k", 6),
        ({"cache_type_v": "q5_1"}, "type_v", 7),
        ({"cache_type_v": "q8_0"}, "type_v", 8),
        ({"cache_type_v": "iq4_nl"}, "type_v", 20),
        ({"cache_type_v": "bf16"}, "type_v", 30),
        ({"kv_offload": False}, "offload_kqv", False),
        ({"rope_scaling": "none"}, "rope_scaling_type", lib.LLAMA_ROPE_SCALING_TYPE_NONE),
        ({"rope_scaling": "linear"}, "rope_scaling_type", lib.LLAMA_ROPE_SCALING_TYPE_LINEAR),
        ({"rope_scaling": "yarn"}, "rope_scaling_type", lib.LLAMA_ROPE_SCALING_TYPE_YARN),
        ({"rope_freq_base": 1e6}, "rope_freq_base", 1e6),
        ({"rope_freq_scale": 0.25}, "rope_freq_scale", 0.25),
        ({"yarn_ext_factor": 0.5}, "yarn_ext_factor", 0.5),
        ({"yarn_attn_factor": 1.5}, "yarn_attn_factor", 1.5),
        ({"yarn_beta_fast": 32.0}, "yarn_beta_fast", 32.0),
        ({"yarn_beta_slow": 0.0}, "yarn_beta_slow", 0.0),
        ({"yarn_orig_ctx": 2048}, "yarn_orig_ctx", 2048),
    ],
)
def test_a_context_option_sets_its_parameter(
    options: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(context_parameters(start(**options), 1), field) == value


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"mmap": False}, "load_mode", lib.LLAMA_LOAD_MODE_NONE),
        ({"mlock": True}, "load_mode", lib.LLAMA_LOAD_MODE_MMAP_MLOCK),
        ({"mmap": False, "mlock": True}, "load_mode", lib.LLAMA_LOAD_MODE_MLOCK),
        ({"split_mode": "none"}, "split_mode", lib.LLAMA_SPLIT_MODE_NONE),
        ({"split_mode": "layer"}, "split_mode", lib.LLAMA_SPLIT_MODE_LAYER),
        ({"split_mode": "row"}, "split_mode", lib.LLAMA_SPLIT_MODE_ROW),
        ({"main_gpu": 1}, "main_gpu", 1),
    ],
)
def test_a_model_option_sets_its_parameter(
    options: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(model_parameters(start(**options), DEVICES)[0], field) == value


@pytest.mark.parametrize(
    ("names", "addresses"),
    [((), [None]), (("CUDA1",), [0x2000, None]), (("CUDA1", "CUDA0"), [0x2000, 0x1000, None])],
)
def test_the_device_array_ends_with_null(
    names: tuple[str, ...], addresses: list[int | None]
) -> None:
    parameters: Any
    parameters, default = model_parameters(start(device=names), DEVICES)
    listed = (ctypes.c_void_p * len(addresses)).from_address(parameters.devices)
    assert list(listed) == addresses
    assert default


def test_tensor_split_has_a_share_for_every_possible_device() -> None:
    parameters: Any = model_parameters(start(tensor_split=(3.0, 1.0)), DEVICES)[0]
    shares = [parameters.tensor_split[i] for i in range(lib.llama_max_devices())]
    assert shares == [3.0, 1.0] + [0.0] * (len(shares) - 2)


def test_the_override_array_has_types_and_ends_with_an_empty_key() -> None:
    asked = {"a.b": True, "a.c": 7, "a.d": 0.5, "a.e": "é"}
    overrides: Any = model_parameters(start(override_kv=asked), DEVICES)[0].kv_overrides
    assert [overrides[i].key for i in range(5)] == [b"a.b", b"a.c", b"a.d", b"a.e", b""]
    assert (overrides[0].tag, overrides[0].value.val_bool) == (2, True)
    assert (overrides[1].tag, overrides[1].value.val_i64) == (0, 7)
    assert (overrides[2].tag, overrides[2].value.val_f64) == (1, 0.5)
    assert (overrides[3].tag, overrides[3].value.val_str) == (3, "é".encode())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": ("CUDA2",)}, r"llama\.device: found 'CUDA2'; .* 'CUDA0', 'CUDA1'"),
        ({"tensor_split": (1.0, 1.0, 1.0)}, r"llama\.tensor_split: found 3 shares for 2 devices"),
        ({"tensor_split": (1.0, 1.0), "device": ("CUDA1",)}, "found 2 shares for 1 devices"),
        ({"main_gpu": 2}, r"llama\.main_gpu: found 2, counted from 0; .* 'CUDA0', 'CUDA1'"),
    ],
)
def test_an_unknown_device_is_an_error_that_lists_the_devices(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        model_parameters(start(**options), DEVICES)


def test_the_error_says_that_there_are_no_devices() -> None:
    with pytest.raises(OptionError, match="the devices are: none here"):
        model_parameters(start(device=("CUDA0",)), {})


def test_an_embedding_context_has_cells_for_one_batch() -> None:
    asked = msgspec.structs.replace(start(ubatch_size=1024, pooling="last"), embeddings=True)
    given: Any = context_parameters(asked, 1)
    assert (given.n_ctx, given.n_batch, given.n_ubatch) == (1024, 1024, 1024)
    assert (given.embeddings, given.pooling_type) == (True, lib.LLAMA_POOLING_TYPE_LAST)
    assert not context_parameters(start(pooling="last"), 1).embeddings


def test_admission_allows_as_many_requests_as_there_are_sequences() -> None:
    assert SLOTS == MAX_SEQUENCES


@pytest.mark.parametrize(
    ("k", "v", "reproducible_k"),
    [
        ("f16", "f16", "bf16"),
        ("f32", "f32", "bf16"),
        ("q8_0", "q8_0", "q8_0"),
        ("f32", "f16", "bf16"),
        ("f16", "q8_0", "f16"),
    ],
)
def test_a_reproducible_model_has_one_kernel_for_each_operation(
    k: str, v: str, reproducible_k: str
) -> None:
    options = msgspec.structs.replace(start(cache_type_k=k, cache_type_v=v), reproducible="always")
    context: Any = context_parameters(options, 3, is_reproducible=True)
    same: Any = context_parameters(start(cache_type_k=reproducible_k, cache_type_v=v), 3)
    assert (context.type_k, context.type_v) == (same.type_k, same.type_v)
    assert context.flash_attn_type == lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
    parameters: Any = model_parameters(options, DEVICES)[0]
    assert not parameters.use_extra_bufts
