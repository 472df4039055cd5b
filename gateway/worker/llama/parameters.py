"""Converts `EngineOptions` to llama.cpp's model and context parameters. Pure: it loads nothing.

Source: llama.h, and common/arg.cpp for the names.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import llama_cpp as lib

from gateway.engine.options import EngineOptions, Options
from gateway.worker.llama import reproducible

MAX_SEQUENCES = 16
MAX_INPUTS = 64  # short texts that are embedded in one batch
FLASH_ATTENTION = {"auto": "AUTO", "on": "ENABLED", "off": "DISABLED"}
LOAD_MODES = {
    (True, False): "AUTO",  # mmap, unless a device does not support it
    (True, True): "MMAP_MLOCK",
    (False, True): "MLOCK",
    (False, False): "NONE",
}
BF16 = 30  # GGML_TYPE_BF16, which llama-cpp-python does not define
CONTEXT_OPTIONS = (  # options with the name of their field in llama.h
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
    "yarn_orig_ctx",
)


class OptionError(ValueError):
    """An option names a device that this machine does not have."""


def model_parameters(
    engine: EngineOptions, available: Mapping[str, int]
) -> tuple[lib.llama_model_params, object]:
    """The parameters, and an object to keep alive while a model is loaded with them.

    `available` has the address of each device by its name. Raises OptionError.
    """
    options, parameters = engine.llama, lib.llama_model_default_params()
    names = _device_names(options, available)
    parameters.n_gpu_layers = engine.gpu_layers
    parameters.vocab_only = engine.vocabulary_only
    parameters.use_extra_bufts = engine.reproducible != "always"
    parameters.load_mode = _constant("LLAMA_LOAD_MODE", LOAD_MODES[options.mmap, options.mlock])
    parameters.split_mode = _constant("LLAMA_SPLIT_MODE", options.split_mode)
    parameters.main_gpu = options.main_gpu
    if options.tensor_split:
        parameters.tensor_split = (ctypes.c_float * lib.llama_max_devices())(*options.tensor_split)
    if options.override_kv:
        parameters.kv_overrides = _overrides(options)
    if options.device is None:
        return parameters, None
    addresses = (ctypes.c_void_p * (len(names) + 1))(*(available[name] for name in names))
    parameters.devices = ctypes.addressof(addresses)
    return parameters, addresses


def context_parameters(
    engine: EngineOptions, threads: int, *, is_reproducible: bool = False
) -> lib.llama_context_params:
    options = engine.llama
    parameters: lib.llama_context_params = lib.llama_context_default_params()
    parameters.n_ctx = engine.context
    parameters.n_batch = options.batch_size
    parameters.n_ubatch = options.ubatch_size
    parameters.n_seq_max = MAX_SEQUENCES
    parameters.kv_unified = True  # sequences can share cells: copying a prefix costs nothing
    parameters.swa_full = True  # otherwise sliding-window layers drop cached prefixes
    parameters.n_threads = parameters.n_threads_batch = threads
    flash_attn, k, v = options.flash_attn, options.cache_type_k, options.cache_type_v
    if is_reproducible:
        flash_attn, (k, v) = "on", reproducible.cache_types(k, v)
    parameters.flash_attn_type = _constant("LLAMA_FLASH_ATTN_TYPE", FLASH_ATTENTION[flash_attn])
    parameters.type_k, parameters.type_v = _cache_type(k), _cache_type(v)
    parameters.offload_kqv = options.kv_offload
    if options.rope_scaling:
        parameters.rope_scaling_type = _constant("LLAMA_ROPE_SCALING_TYPE", options.rope_scaling)
    for name in CONTEXT_OPTIONS:
        if (value := getattr(options, name)) is not None:
            setattr(parameters, name, value)
    if engine.embeddings:
        _set_embeddings(parameters, engine)
    return parameters


def _set_embeddings(parameters: lib.llama_context_params, engine: EngineOptions) -> None:
    """A batch holds whole texts, so the KV cache needs cells for one batch only."""
    parameters.embeddings = True
    tokens = engine.llama.ubatch_size  # pooling needs the whole text in one ubatch
    parameters.n_batch = tokens
    parameters.n_ctx = min(engine.context, tokens)
    parameters.n_seq_max = min(MAX_INPUTS, tokens)
    if engine.llama.pooling:
        parameters.pooling_type = _constant("LLAMA_POOLING_TYPE", engine.llama.pooling)


def _device_names(options: Options, available: Mapping[str, int]) -> tuple[str, ...]:
    """The devices to use."""
    listed = ", ".join(map(repr, available)) or "none here"
    for name in options.device or ():
        if name not in available:
            raise OptionError(f"llama.device: found {name!r}; the devices are: {listed}")
    names = tuple(available) if options.device is None else options.device
    if len(options.tensor_split) > len(names):
        raise OptionError(
            f"llama.tensor_split: found {len(options.tensor_split)} shares for {len(names)}"
            f" devices; the devices are: {listed}"
        )
    if options.main_gpu and options.main_gpu >= len(names):
        raise OptionError(
            f"llama.main_gpu: found {options.main_gpu}, counted from 0; the devices are: {listed}"
        )
    return names


def _overrides(options: Options) -> ctypes.Array[lib.llama_model_kv_override]:
    """The metadata overrides; an entry with an empty key ends the array."""
    overrides = (lib.llama_model_kv_override * (len(options.override_kv) + 1))()
    for override, (key, value) in zip(overrides, options.override_kv.items(), strict=False):
        override.key = key.encode()
        match value:
            case bool():
                override.tag, override.value.val_bool = lib.LLAMA_KV_OVERRIDE_TYPE_BOOL, value
            case int():
                override.tag, override.value.val_i64 = lib.LLAMA_KV_OVERRIDE_TYPE_INT, value
            case float():
                override.tag, override.value.val_f64 = lib.LLAMA_KV_OVERRIDE_TYPE_FLOAT, value
            case str():
                override.tag = lib.LLAMA_KV_OVERRIDE_TYPE_STR
                override.value.val_str = value.encode()
    return overrides


def _cache_type(name: str) -> int:
    return BF16 if name == "bf16" else _constant("GGML_TYPE", name)


def _constant(group: str, name: str) -> int:
    value: int = getattr(lib, f"{group}_{name.upper()}")
    return value
