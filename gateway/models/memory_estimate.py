"""Estimates the memory that a model needs, from the header of its file and the engine options.

The estimate is a little too large: for SmolLM2 llama.cpp reports 2 to 15 % less.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.engine.options import EngineOptions
from gateway.hub.file_names import parts
from gateway.models.gguf import Header, read_header

MB = 2**20
WORKER = 112 * MB  # Python, llama.cpp, llguidance's tokenizer, and the grammars that it remembers
MAX_SEQUENCES = 16  # in a recurrent model each has a state of its own
FLOAT_BYTES = 4
CACHE_TYPES = {  # bytes of a value
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q4_0": 18 / 32,
    "q4_1": 20 / 32,
    "iq4_nl": 18 / 32,
    "q5_0": 22 / 32,
    "q5_1": 24 / 32,
}


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Sizes in bytes; `offloaded` is for prefixes that leave the KV cache."""

    weights: int = 0
    kv_cache: int = 0
    compute: int = 0
    adapters: int = 0
    offloaded: int = 0
    worker: int = WORKER

    @property
    def total(self) -> int:
        sizes = (self.weights, self.kv_cache, self.compute, self.adapters, self.offloaded)
        return sum(sizes) + self.worker

    def __str__(self) -> str:
        parts = {
            "weights": self.weights,
            "the KV cache": self.kv_cache,
            "compute buffers": self.compute,
            "adapters": self.adapters,
            "prefix_cache": self.offloaded,
            "the worker": self.worker,
        }
        sizes = ", ".join(f"{in_mb(size)} for {name}" for name, size in parts.items() if size)
        return f"{in_mb(self.total)} MB ({sizes})"


def estimate_memory(options: EngineOptions) -> MemoryEstimate:
    """Reads the headers of the model and its adapters; raises ModelUnusable for an invalid GGUF."""
    path = Path(options.path)
    header = read_header(path)
    others = (path.with_name(part) for part in parts(path.name)[1:])
    return MemoryEstimate(
        weights=header.weights + sum(read_header(one).weights for one in others if one.is_file()),
        kv_cache=_kv_cache(header, options) + _states(header),
        compute=_compute(header, options),
        adapters=sum(read_header(Path(path)).weights for path, _ in options.lora),
        offloaded=0 if options.embeddings else options.cache_offload.memory_bytes,
    )


def in_mb(size: float) -> str:
    return f"{size / MB:,.0f}"


def _cells(options: EngineOptions) -> int:
    """The length of the context, as llama.cpp rounds it up."""
    tokens = options.context
    if options.embeddings:
        tokens = min(tokens, options.llama.ubatch_size)
    return -(-tokens // 256) * 256


def _kv_cache(header: Header, options: EngineOptions) -> int:
    """Keys and values of each layer for each KV cell."""
    head = _number(header, "embedding_length") // max(1, _number(header, "attention.head_count"))
    key = _number(header, "attention.key_length", head)
    value = _number(header, "attention.value_length", head)
    k, v = CACHE_TYPES[options.llama.cache_type_k], CACHE_TYPES[options.llama.cache_type_v]
    return int(_cells(options) * _kv_heads(header) * (key * k + value * v))


def _kv_heads(header: Header) -> int:
    """The number of key-value heads, over all layers."""
    found = header.metadata.get(f"{_architecture(header)}.attention.head_count_kv")
    if isinstance(found, tuple):
        return sum(heads for heads in found if isinstance(heads, int) and heads > 0)
    heads = found if isinstance(found, int) else _number(header, "attention.head_count")
    return heads * _number(header, "block_count")


def _states(header: Header) -> int:
    """The state of recurrent layers. Source: llama_hparams::n_embd_r and n_embd_s."""
    width, inner = _number(header, "embedding_length"), _number(header, "ssm.inner_size")
    state, groups = _number(header, "ssm.state_size"), _number(header, "ssm.group_count")
    taps = max(0, _number(header, "ssm.conv_kernel") - 1)
    values = taps * (inner + 2 * groups * state) + state * inner
    if head := _number(header, "wkv.head_size"):
        values += width * (head + 2)
    return MAX_SEQUENCES * _number(header, "block_count") * values * FLOAT_BYTES


def _compute(header: Header, options: EngineOptions) -> int:
    """The largest compute buffer of a forward pass: logits, or attention scores."""
    words = header.tensors.get("token_embd.weight", (0, 0))[-1]
    width, cells = _number(header, "embedding_length"), _cells(options)
    scores = _number(header, "attention.head_count") * cells
    scores *= options.llama.flash_attn == "off"
    widest = max(words, 3 * _number(header, "feed_forward_length"), scores)
    return options.llama.ubatch_size * (widest + 4 * width + cells) * FLOAT_BYTES


def _number(header: Header, key: str, default: int = 0) -> int:
    """A number from the metadata of the architecture; the largest if each layer has its own."""
    found = header.metadata.get(f"{_architecture(header)}.{key}", default)
    if isinstance(found, tuple):
        found = max((one for one in found if isinstance(one, int)), default=0)
    return int(found) if isinstance(found, int) and found >= 0 else default


def _architecture(header: Header) -> str:
    return str(header.metadata.get("general.architecture", ""))
