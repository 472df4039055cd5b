"""What a worker is told at its start -> llama.cpp's own parameters. Pure: nothing is loaded.

Source: llama.h, and common/arg.cpp for the names.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import llama_cpp as lib

from gateway.engine.options import EngineOptions, Options

SEQUENCES = 16
INPUTS = 64  # short texts are embedded together, up to so many
FLASH_ATTENTION = {"auto": "AUTO", "on": "ENABLED", "off": "DISABLED"}
LOADING = {
    (True, False): "AUTO",  # mapped, unless a device can't
    (True, True): "MMAP_MLOCK",
    (False, True): "MLOCK",
    (False, False): "NONE",
}
BF16 = 30  # GGML_TYPE_BF16, which llama-cpp-python leaves out
ALIKE = (  # named as in llama.h
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
    "yarn_orig_ctx",
)


class OptionError(ValueError):
    """An option asks for what this machine does not have."""


def model_parameters(
    start: EngineOptions, known: Mapping[str, int]
) -> tuple[lib.llama_model_params, object]:
    """The parameters, and what must be kept while a model is loaded with them.

    `known` are the addresses of the devices by their names. Raises OptionError.
    """
    options, parameters = start.llama, lib.llama_model_default_params()
    chosen = _chosen(options, known)
    parameters.n_gpu_layers = start.gpu_layers
    parameters.vocab_only = start.vocabulary_only
    parameters.load_mode = _constant("LLAMA_LOAD_MODE", LOADING[options.mmap, options.mlock])
    parameters.split_mode = _constant("LLAMA_SPLIT_MODE", options.split_mode)
    parameters.main_gpu = options.main_gpu
    if options.tensor_split:
        parameters.tensor_split = (ctypes.c_float * lib.llama_max_devices())(*options.tensor_split)
    if options.override_kv:
        parameters.kv_overrides = _overrides(options)
    if options.device is None:
        return parameters, None
    addresses = (ctypes.c_void_p * (len(chosen) + 1))(*(known[name] for name in chosen))
    parameters.devices = ctypes.addressof(addresses)
    return parameters, addresses


def context_parameters(start: EngineOptions, threads: int) -> lib.llama_context_params:
    options = start.llama
    parameters: lib.llama_context_params = lib.llama_context_default_params()
    parameters.n_ctx = start.context
    parameters.n_batch = options.batch_size
    parameters.n_ubatch = options.ubatch_size
    parameters.n_seq_max = SEQUENCES
    parameters.kv_unified = True  # sequences share cells, so a prefix is copied for free
    parameters.swa_full = True  # else a window forgets the prefixes that are kept
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.flash_attn_type = _constant(
        "LLAMA_FLASH_ATTN_TYPE", FLASH_ATTENTION[options.flash_attn]
    )
    parameters.type_k = _cache_type(options.cache_type_k)
    parameters.type_v = _cache_type(options.cache_type_v)
    parameters.offload_kqv = options.kv_offload
    if options.rope_scaling:
        parameters.rope_scaling_type = _constant("LLAMA_ROPE_SCALING_TYPE", options.rope_scaling)
    for name in ALIKE:
        if (value := getattr(options, name)) is not None:
            setattr(parameters, name, value)
    if start.embeddings:
        _embed(parameters, start)
    return parameters


def _embed(parameters: lib.llama_context_params, start: EngineOptions) -> None:
    """Each pass reads some texts from start to end, so that cells for one pass are enough."""
    parameters.embeddings = True
    tokens = start.llama.ubatch_size  # a text must be read at once to be pooled
    parameters.n_batch = tokens
    parameters.n_ctx = min(start.context, tokens)
    parameters.n_seq_max = min(INPUTS, tokens)
    if start.llama.pooling:
        parameters.pooling_type = _constant("LLAMA_POOLING_TYPE", start.llama.pooling)


def _chosen(options: Options, known: Mapping[str, int]) -> tuple[str, ...]:
    """The names of the devices to use."""
    there = ", ".join(map(repr, known)) or "none here"
    for name in options.device or ():
        if name not in known:
            raise OptionError(f"llama.device: found {name!r}; the devices are: {there}")
    chosen = tuple(known) if options.device is None else options.device
    if len(options.tensor_split) > len(chosen):
        raise OptionError(
            f"llama.tensor_split: found {len(options.tensor_split)} shares for {len(chosen)}"
            f" devices; the devices are: {there}"
        )
    if options.main_gpu and options.main_gpu >= len(chosen):
        raise OptionError(
            f"llama.main_gpu: found {options.main_gpu}, counted from 0; the devices are: {there}"
        )
    return chosen


def _overrides(options: Options) -> ctypes.Array[lib.llama_model_kv_override]:
    """The metadata to replace; an entry without a key ends it."""
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
