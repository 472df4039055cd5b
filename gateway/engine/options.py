"""What llama.cpp itself is told of a model."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True):
    """llama.cpp's own settings, named as llama-server's options; None leaves one to llama.cpp.

    A pass reads up to `batch_size` tokens, `ubatch_size` of them at once. `device` has the names
    of the devices to put layers on, `tensor_split` each one's share.
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
