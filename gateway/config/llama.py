"""The section `llama` of an entry, and its `lora`: what llama.cpp itself is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

CacheType: TypeAlias = Literal[
    "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"
]
UNQUANTISED = ("f32", "f16", "bf16")
LONGEST = 127  # bytes of a key or a text that llama.cpp overrides; source: llama_model_kv_override


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _switch(value: object) -> object:
    """YAML reads a bare `on` as true."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _names(value: object) -> object:
    """`none`, or one name, as the list that it stands for."""
    if isinstance(value, str):
        return [] if value == "none" else [value]
    return value


def _adapters(value: object) -> object:
    """`path`, `[path, scale]`, or a list of those, as pairs."""
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
        case str() if len(value.encode()) <= LONGEST:
            return value
    raise ValueError(f"expected true, false, a number, or a text of at most {LONGEST} bytes")


def _key(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value.encode()) <= LONGEST:
        return value
    raise ValueError(f"expected a name of 1 to {LONGEST} bytes")


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
    """llama.cpp's own, named as llama-server's options; what has no default is left to it."""

    # A pass has room for a token of each of the engine's 16 sequences.
    batch_size: Annotated[int, Field(ge=16, le=2**20)] = 512
    """Tokens read in a step, over all requests; 512, as streams wait for the step to end."""
    ubatch_size: Annotated[int, Field(ge=1, le=2**20)] = 512
    """Tokens of them computed at once; memory grows with it, and 512 is llama.cpp's default."""
    flash_attn: Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)] = "auto"
    """Flash attention; `auto` uses it where the device can, as llama.cpp does."""
    cache_type_k: CacheType = "f16"
    """How the keys of what was read are kept; f16 is llama.cpp's default."""
    cache_type_v: CacheType = "f16"
    """How its values are kept; one that is quantised needs flash attention."""
    kv_offload: bool = True
    """Keep both on the GPU."""
    mmap: bool = True
    """Map the file into memory instead of reading it, so that it loads as it is needed."""
    mlock: bool = False
    """Hold it in memory, which takes that from all other programs."""
    device: Devices = None
    """Devices to put layers on, by llama.cpp's names, or `none`; without a value all of them."""
    main_gpu: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The device that `split_mode: none` takes, counted from 0."""
    split_mode: Literal["none", "layer", "row"] = "layer"
    """How several devices share a model; by layers, as llama.cpp does."""
    tensor_split: tuple[Share, ...] = ()
    """Each device's share, as `[3, 1]`; without one they share by their free memory."""
    rope_scaling: Literal["none", "linear", "yarn"] | None = None
    """How positions beyond the trained context are scaled."""
    rope_freq_base: Frequency | None = None
    """The base frequency of positions."""
    rope_freq_scale: Frequency | None = None
    """The factor that frequencies are scaled by."""
    yarn_ext_factor: Factor | None = None
    """YaRN's mix of extrapolation."""
    yarn_attn_factor: Factor | None = None
    """YaRN's scale of attention."""
    yarn_beta_fast: Factor | None = None
    """YaRN's high correction dimension."""
    yarn_beta_slow: Factor | None = None
    """YaRN's low correction dimension."""
    yarn_orig_ctx: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """The context that the model was trained with."""
    override_kv: dict[Key, Metadata] = {}
    """Metadata to take in place of the file's, of the type that the file has it in."""
    pooling: Literal["mean", "cls", "last"] | None = None
    """How the vectors of a text's tokens become one; needed where the file does not say."""

    @property
    def fault(self) -> str | None:
        """What no single key can know: a key, what was found there, and the cure."""
        if self.flash_attn == "off" and self.cache_type_v not in UNQUANTISED:
            return (
                f"cache_type_v: found {self.cache_type_v!r}; a quantised V cache needs flash"
                f" attention: set flash_attn to on or auto, or take one of {', '.join(UNQUANTISED)}"
            )
        return None
