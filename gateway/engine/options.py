"""How a worker loads and runs a model."""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias

import msgspec

Reproducible: TypeAlias = Literal["auto", "always", "off"]


class Options(msgspec.Struct, frozen=True):
    """llama.cpp's own settings, named like llama-server's options; None is llama.cpp's default.

    A forward pass has up to `batch_size` tokens, `ubatch_size` of them computed at once. `device`
    names the devices that get layers, `tensor_split` the share of each.
    """

    batch_size: int = 512
    ubatch_size: int = 512
    flash_attn: str = "auto"
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    kv_offload: bool = True
    mmap: bool = True
    mlock: bool = False
    device: tuple[str, ...] | None = None
    main_gpu: int = 0
    split_mode: str = "layer"
    tensor_split: tuple[float, ...] = ()
    rope_scaling: str | None = None
    rope_freq_base: float | None = None
    rope_freq_scale: float | None = None
    yarn_ext_factor: float | None = None
    yarn_attn_factor: float | None = None
    yarn_beta_fast: float | None = None
    yarn_beta_slow: float | None = None
    yarn_orig_ctx: int | None = None
    override_kv: dict[str, bool | int | float | str] = {}
    pooling: str | None = None


class CacheOffload(msgspec.Struct, frozen=True):
    """Where prefixes go that leave the KV cache: into memory, then into a folder; sizes in bytes.

    Zero bytes and no folder keep nothing.
    """

    memory_bytes: int = 0
    folder: str | None = None
    folder_bytes: int = 0


class EngineOptions(msgspec.Struct, frozen=True, tag=True):
    """The model to load, and how.

    `lora` has the path and the scale of each adapter. With `embeddings` the worker makes embeddings
    and generates no text. With `threads` None the worker tunes their number. `reproducible` says
    whether the same prompt has the same logits, whatever else runs: `auto` if only attention needs
    another kernel for it; `always` at the cost of slower products too, or loading fails. The
    gateway kills a worker that has work and is silent for `hang_s`. `name` is the model's name in
    the log.
    """

    path: str
    context: int
    gpu_layers: int = 0
    threads: int | None = None
    vocabulary_only: bool = False
    cache_offload: CacheOffload = CacheOffload()
    llama: Options = Options()
    lora: tuple[tuple[str, float], ...] = ()
    embeddings: bool = False
    reproducible: Reproducible = "off"
    hang_s: float = 300.0
    name: str = ""

    @property
    def digest(self) -> str:
        """Equal for options that lead to the same KV cache: a key to saved prefixes."""
        same = msgspec.structs.replace(
            self, threads=None, cache_offload=CacheOffload(), hang_s=0, name=""
        )
        return hashlib.sha256(_encode_in_order(same)).hexdigest()


_encode_in_order = msgspec.msgpack.Encoder(order="deterministic").encode
