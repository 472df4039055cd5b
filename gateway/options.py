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
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
Metadata: TypeAlias = Annotated[bool | int | float | str, PlainValidator(_metadata)]
Key: TypeAlias = Annotated[str, PlainValidator(_key)]
Adapter: TypeAlias = tuple[Annotated[str, Field(min_length=1)], float]
Adapters: TypeAlias = Annotated[tuple[Adapter, ...], BeforeValidator(_adapters)]


class LlamaOptions(Section):
    """llama.cpp's own settings, named as llama-server's options; None leaves one to llama.cpp."""

    # A pass has room for a token of each of the engine's 16 sequences.
    batch_size: Annotated[int, Field(ge=16, le=2**20)] = 512
    ubatch_size: Annotated[int, Field(ge=1, le=2**20)] = 512
    flash_attn: Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)] = "auto"
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    kv_offload: bool = True
    mmap: bool = True
    mlock: bool = False
    device: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    main_gpu: Annotated[int, Field(ge=0, lt=2**31)] = 0
    split_mode: Literal["none", "layer", "row"] = "layer"
    tensor_split: tuple[Share, ...] = ()
    rope_scaling: Literal["none", "linear", "yarn"] | None = None
    rope_freq_base: Frequency | None = None
    rope_freq_scale: Frequency | None = None
    yarn_ext_factor: Factor | None = None
    yarn_attn_factor: Factor | None = None
    yarn_beta_fast: Factor | None = None
    yarn_beta_slow: Factor | None = None
    yarn_orig_ctx: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    override_kv: dict[Key, Metadata] = {}
    pooling: Literal["mean", "cls", "last"] | None = None

    @property
    def fault(self) -> str | None:
        """What no single key can know: a key, what was found there, and the cure."""
        if self.flash_attn == "off" and self.cache_type_v not in UNQUANTISED:
            return (
                f"cache_type_v: found {self.cache_type_v!r}; a quantised V cache needs flash"
                f" attention: set flash_attn to on or auto, or take one of {', '.join(UNQUANTISED)}"
            )
        return None
