"""The keys `llama` and `lora` of a model: options that are passed to llama.cpp."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

CacheType: TypeAlias = Literal[
    "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"
]
UNQUANTIZED = ("f32", "f16", "bf16")
MAX_OVERRIDE_BYTES = 127  # of a key or a string; source: llama_model_kv_override


class Section(BaseModel):
    """A mapping in models.yaml: frozen, and without unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _switch(value: object) -> object:
    """`on` or `off`, which YAML 1.1 reads as booleans."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _names(value: object) -> object:
    """A list of names; `none` is the empty list and a single name a list of one."""
    if isinstance(value, str):
        return [] if value == "none" else [value]
    return value


def _adapters(value: object) -> object:
    """A list of (path, scale) pairs, from `path`, `[path, scale]` or a list of these."""
    match value:
        case str() as path:
            return [(path, 1.0)]
        case [str(), int() | float()]:
            return [value]
        case list():
            return [(item, 1.0) if isinstance(item, str) else item for item in value]
    return value


def _metadata(value: Any) -> bool | int | float | str:
    match value:
        case bool() | float():
            return value
        case int() if -(2**63) <= value < 2**63:
            return value
        case str() if len(value.encode()) <= MAX_OVERRIDE_BYTES:
            return value
    raise ValueError(
        f"expected true, false, a number, or a string of at most {MAX_OVERRIDE_BYTES} bytes"
    )


def _key(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value.encode()) <= MAX_OVERRIDE_BYTES:
        return value
    raise ValueError(f"expected a name of 1 to {MAX_OVERRIDE_BYTES} bytes")


Share: TypeAlias = Annotated[float, Field(ge=0)]
Factor: TypeAlias = Annotated[float, Field(ge=0)]
Frequency: TypeAlias = Annotated[float, Field(gt=0)]
Value: TypeAlias = bool | int | float | str
Metadata: TypeAlias = Annotated[Value, PlainValidator(_metadata, json_schema_input_type=Value)]
Key: TypeAlias = Annotated[str, PlainValidator(_key, json_schema_input_type=str)]
Adapter: TypeAlias = tuple[Annotated[str, Field(min_length=1)], float]
Adapters: TypeAlias = Annotated[
    tuple[Adapter, ...],
    BeforeValidator(_adapters, json_schema_input_type=str | Adapter | list[str | Adapter]),
]
Devices: TypeAlias = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(_names, json_schema_input_type=str | list[str] | None),
]


class LlamaOptions(Section):
    """Options of llama.cpp, named like those of llama-server.

    An option without a default keeps the default of llama.cpp or of the GGUF file.
    """

    # At least 16: a batch must have room for one token of each of the 16 sequences.
    batch_size: Annotated[int, Field(ge=16, le=2**20)] = 512
    """Maximum tokens per batch, over all requests; all streams wait for the batch to finish."""
    ubatch_size: Annotated[int, Field(ge=1, le=2**20)] = 512
    """Tokens of a batch computed at once; memory use grows with it. 512 is llama.cpp's default."""
    flash_attn: Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)] = "auto"
    """Flash attention; `auto` enables it if the device supports it, as in llama.cpp."""
    cache_type_k: CacheType = "f16"
    """Data type of the K cache; f16 is llama.cpp's default."""
    cache_type_v: CacheType = "f16"
    """Data type of the V cache; a quantized V cache requires flash attention."""
    kv_offload: bool = True
    """Keep the KV cache on the GPU."""
    mmap: bool = True
    """Memory-map the file, so that pages are read on first use."""
    mlock: bool = False
    """Lock the weights in RAM; other programs then have less memory."""
    device: Devices = None
    """Devices to offload layers to, by llama.cpp's names, or `none`; by default all devices."""
    main_gpu: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Index of the device that `split_mode: none` uses."""
    split_mode: Literal["none", "layer", "row"] = "layer"
    """How several devices share a model; `layer` is llama.cpp's default."""
    tensor_split: tuple[Share, ...] = ()
    """Proportion of each device, as `[3, 1]`; by default in proportion to free memory."""
    rope_scaling: Literal["none", "linear", "yarn"] | None = None
    """RoPE scaling method for contexts longer than the trained one."""
    rope_freq_base: Frequency | None = None
    """RoPE base frequency."""
    rope_freq_scale: Frequency | None = None
    """RoPE frequency scaling factor."""
    yarn_ext_factor: Factor | None = None
    """YaRN extrapolation mix factor."""
    yarn_attn_factor: Factor | None = None
    """YaRN attention magnitude scale."""
    yarn_beta_fast: Factor | None = None
    """YaRN high correction dimension."""
    yarn_beta_slow: Factor | None = None
    """YaRN low correction dimension."""
    yarn_orig_ctx: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """Context length that the model was trained with, for YaRN."""
    override_kv: dict[Key, Metadata] = {}
    """GGUF metadata to override; a value must have the type that the file has."""
    pooling: Literal["mean", "cls", "last"] | None = None
    """Pooling of token embeddings; required if the GGUF file does not specify it."""

    @property
    def fault(self) -> str | None:
        """An invalid combination of keys, as `key: what was found; the cure`, or None."""
        if self.flash_attn == "off" and self.cache_type_v not in UNQUANTIZED:
            return (
                f"cache_type_v: found {self.cache_type_v!r}; a quantized V cache requires flash"
                f" attention: set flash_attn to on or auto, or use one of {', '.join(UNQUANTIZED)}"
            )
        return None
