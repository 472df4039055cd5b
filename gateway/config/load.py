"""Loads and validates models.yaml.

An error names the path of the key, the value that was found, and the cure.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Hashable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BeforeValidator, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.config.limits import Limits
from gateway.config.llama import Adapters, LlamaOptions, Section
from gateway.config.remote import RemoteOptions, fault, is_remote
from gateway.config.responses import ResponseStorage
from gateway.errors import ConfigError


class SamplingDefaults(Section):
    """Sampling defaults for requests that do not set them; names and ranges are llama.cpp's."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    """Sampling temperature; 0 is greedy. 0.8 is llama.cpp's default."""
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Nucleus sampling: keep the likeliest tokens up to this probability; llama.cpp's default."""
    top_k: Annotated[int, Field(ge=0, lt=2**31)] = 40
    """Keep this many of the likeliest tokens; 0 keeps all. 40 is llama.cpp's default."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Minimum probability relative to the likeliest token; llama.cpp's default."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Random seed; by default each request gets a new one."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Penalty for each earlier occurrence of a token; 0 disables it."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Penalty for a token that has occurred before; 0 disables it."""
    repeat_penalty: Annotated[float, Field(gt=0, le=2)] = 1.0
    """Divisor for the logits of tokens that have occurred before; 1 disables it."""


class Streaming(Section):
    """How streamed answers are split into chunks, for clients with restrictions."""

    tool_calls: Literal["incremental", "whole"] = "incremental"
    """`whole` sends all tool calls in one chunk, for clients that ignore later chunks."""
    content: Literal["when_present", "always"] = "when_present"
    """`always` sets `content` in every chunk, for clients that concatenate it without a check."""


class PrefixCache(Section):
    """Storage for prompt prefixes that are evicted from the KV cache."""

    memory_mb: Annotated[int, Field(ge=0, lt=2**24)] = 512
    """RAM in MB; 0 disables it. 512 MB hold 4,096 tokens of Llama 3 8B (128 KB each)."""
    folder: Path | None = None
    """Folder that survives a restart, relative to models.yaml; by default nothing is saved."""
    folder_mb: Annotated[int, Field(ge=0, lt=2**30)] = 4096
    """Maximum size of the folder in MB; 4096 MB hold 32,768 tokens of Llama 3 8B."""


Threads: TypeAlias = Annotated[int, Field(ge=1, le=512)]


def _threads(found: object) -> object:
    """Reports one error for an invalid value; pydantic reports one for each type of a union."""
    if found == "auto" or (isinstance(found, int) and 1 <= found <= 512):
        return found
    raise PydanticCustomError("threads", "input should be a number from 1 to 512, or auto")


Megabytes: TypeAlias = Annotated[int, Field(gt=0, lt=2**24)]


def _memory(found: object) -> object:
    if found == "auto" or (type(found) is int and 0 < found < 2**24):
        return found
    raise PydanticCustomError("memory", "input should be a number of megabytes, or auto")


Reproducible: TypeAlias = Literal["auto", "always", "off"]


def _reproducible(found: object) -> object:
    """YAML reads `off` as false."""
    return {True: "always", False: "off"}[found] if isinstance(found, bool) else found


# Keys that apply without reloading the model.
HOT_KEYS = (
    *("aliases", "preload", "queue", "pinned", "idle_s", "sampling", "stream"),
    *("thinking_budget", "fast_forward", "draft_tokens", "json_calls", "tool_call_threshold"),
)


class Entry(Section):
    """Settings of one model."""

    source: Annotated[str, Field(min_length=1)]
    """A path, `package:name/file`, `hf:owner/repo/file.gguf`, `hf:owner/repo:Q4_K_M`, or a URL."""
    template: str = "gguf"
    """Chat template: `gguf` for that in the file, or the name of one of yours or a shipped one."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Values of variables of the chat template, which a request may set otherwise."""
    format: str | None = None
    """Tool-call format, see formats.md; by default detected from the chat template of the file."""
    context: Annotated[int, Field(ge=256, le=2**24)] = 4096
    """Context size in tokens, shared by all requests; 4096 tokens of Llama 3 8B take 512 MB."""
    gpu_layers: Annotated[int, Field(ge=-1, lt=2**31)] = -1
    """Layers to offload to the GPU; -1 offloads all, which is fastest if the model fits."""
    threads: Annotated[Threads | Literal["auto"], BeforeValidator(_threads)] = "auto"
    """CPU threads; `auto` is one per CPU, and fewer while other programs keep CPUs busy."""
    aliases: tuple[str, ...] = ()
    """Alternative names of the model."""
    preload: bool = False
    """Load the model at startup instead of on the first request."""
    queue: Annotated[int, Field(ge=0)] = 64
    """Maximum queued requests; 64 are four rounds of the 16 slots, beyond which clients give up."""
    thinking_budget: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Default thinking budget in tokens; by default unlimited."""
    json_calls: bool = True
    """Read calls that the model writes as plain JSON, fenced or not, instead of in its format."""
    tool_call_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Least probability of a call at which one is made; by default the model's draw decides."""
    fast_forward: bool = True
    """Decode tokens that the grammar forces in one batch; the text is the same."""
    draft_tokens: Annotated[int, Field(ge=0, le=64)] = 0
    """Tokens per draft of prompt-lookup decoding; speeds up answers that copy from the prompt."""
    reproducible: Annotated[Reproducible, BeforeValidator(_reproducible)] = "off"
    """Seeded and greedy answers don't depend on what else runs; see reproducibility.md."""
    prefix_cache: PrefixCache = PrefixCache()
    """Storage for evicted prefixes."""
    sampling: SamplingDefaults = SamplingDefaults()
    """Sampling defaults."""
    stream: Streaming = Streaming()
    """Chunking of streamed answers."""
    embeddings: bool = False
    """The model is an embedding model: it serves /v1/embeddings only."""
    pinned: bool = False
    """Never unload the model to make room for another."""
    idle_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds without a request after which the model is unloaded; by default never."""
    hang_s: Annotated[float, Field(gt=0)] = 300.0
    """Seconds without progress after which the worker is killed; must exceed the slowest batch."""
    lora: Adapters = ()
    """LoRA adapters: paths like `source`, each with an optional scale, by default 1."""
    llama: LlamaOptions = LlamaOptions()
    """Options of llama.cpp."""
    remote: RemoteOptions = RemoteOptions()
    """Options of a remote engine, if `source` is a URL."""

    @property
    def is_remote(self) -> bool:
        return is_remote(self.source)

    def loads_like(self, other: Entry | None) -> bool:
        """Whether a model that was loaded from `other` can serve this entry without a reload."""
        own = self.model_dump(exclude=set(HOT_KEYS))
        return other is not None and own == other.model_dump(exclude=set(HOT_KEYS))


class Config(Section):
    """Top-level keys."""

    models: Annotated[dict[str, Entry], Field(min_length=1)]
    """The models, by the name that a client sends as `model`."""
    memory_mb: Annotated[Megabytes | Literal["auto"], BeforeValidator(_memory)] = "auto"
    """MB of memory for all loaded models; `auto` is three quarters of the machine's memory."""
    limits: Limits = Limits()
    """Maximum sizes of a request."""
    responses: ResponseStorage = ResponseStorage()
    """Storage of responses."""
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    """Maximum duration of a request in seconds, including queueing; by default unlimited."""
    grace_s: Annotated[float, Field(ge=0)] = 7
    """Seconds that requests may run after SIGTERM; 7 s, since `docker stop` kills after 10 s."""
    hosts: tuple[str, ...] = ()
    """Allowed Host names besides localhost, if there are no API keys; prevents DNS rebinding."""
    cors: tuple[str, ...] = ()
    """Origins allowed by CORS, as `https://app.example`."""
    playground: bool | None = None
    """Serve the playground at `/`; by default if only this machine can connect, without keys."""
    folder: SkipJsonSchema[Path] = Path()

    @property
    def startup_only(self) -> tuple[object, ...]:
        """The values that are read at startup only; a change needs a restart."""
        limits = self.limits
        bodies = limits.body_mb, limits.bodies_mb, limits.body_s
        return self.grace_s, self.hosts, self.cors, bodies, self.responses, self.playground

    def name_of(self, name: str) -> str | None:
        """The name of the entry that has `name` as its name or alias, or None."""
        if name in self.models:
            return name
        return next((own for own, entry in self.models.items() if name in entry.aliases), None)


def load(path: Path, formats: tuple[str, ...]) -> Config:
    """Load models.yaml from `path`; raises ConfigError.

    `formats` are the valid values of `format`.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; set the path with --config") from error
    except (yaml.YAMLError, *_FAULTS) as error:
        raise ConfigError(f"{path} is not YAML: {_in_one_line(error)}") from error
    if data is None:
        raise ConfigError(
            f"{path} is empty; delete it, and `tool-gateway init` writes one to start from"
        )
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping with the key `models`, found {_shown(data)}")
    if "folder" in data:
        raise ConfigError(
            f"{path}: folder: no such key; paths are relative to the folder of this file"
        )
    try:
        config = Config.model_validate({**data, "folder": path.parent})
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors()]
        told = f" {faults[0]}" if len(faults) == 1 else "".join(f"\n  {one}" for one in faults)
        raise ConfigError(f"{path}:{told}") from error
    _check(path, config, formats)
    return config


def _in_one_line(error: Exception) -> str:
    """What is wrong with a YAML file and, if it is known, where."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return " ".join(str(error).split())
    cure = "; indent with spaces, not with tabs" if "'\\t'" in (error.problem or "") else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{cure}"


def _check(path: Path, config: Config, formats: tuple[str, ...]) -> None:
    """Check what depends on several keys; raises ConfigError."""
    seen: dict[str, str] = {}
    if wrong := config.responses.fault:
        raise ConfigError(f"{path}: responses.{wrong}")
    for name, entry in config.models.items():
        if entry.format is not None and entry.format not in formats:
            raise ConfigError(
                f"{path}: models.{name}.format: found {entry.format!r}, expected one of"
                f" {', '.join(formats)}{guess(entry.format, formats)}"
            )
        if wrong := entry.llama.fault:
            raise ConfigError(f"{path}: models.{name}.llama.{wrong}")
        if wrong := fault(entry.source, entry.template, entry.format, entry.model_fields_set):
            raise ConfigError(f"{path}: models.{name}.{wrong}")
        for alias in (name, *entry.aliases):
            if alias in seen:
                raise ConfigError(
                    f"{path}: models.{name}.aliases: {alias!r} is already a name of {seen[alias]!r}"
                )
            seen[alias] = name


def _fault(details: ErrorDetails) -> str:
    where = ".".join(map(str, details["loc"]))
    if details["type"] == "extra_forbidden":
        valid = _keys_beside(details["loc"])
        wrong = str(details["loc"][-1])
        return f"{where}: no such key; valid keys are {', '.join(valid)}{guess(wrong, valid)}"
    if details["type"] == "missing":
        return f"{where}: this key is missing"
    if details["loc"] == ("models",) and details["type"] == "too_short":
        return "models: there is none; name at least one"
    expected = details["msg"].removeprefix("Value error, ")
    return f"{where}: found {_shown(details['input'])}; {_lowered(expected)}"


def _keys_beside(location: tuple[int | str, ...]) -> tuple[str, ...]:
    sections: dict[int, type[Section]] = {1: Config, 3: Entry}
    nested: dict[str, type[Section]] = {
        "sampling": SamplingDefaults,
        "stream": Streaming,
        "prefix_cache": PrefixCache,
        "llama": LlamaOptions,
        "limits": Limits,
        "remote": RemoteOptions,
        "responses": ResponseStorage,
    }
    section = sections.get(len(location)) or nested[str(location[-2])]
    return tuple(name for name in section.model_fields if (section, name) != (Config, "folder"))


def guess(wrong: str, valid: Collection[str]) -> str:
    """The end of an error that names the valid value most like `wrong`, if one is."""
    close = difflib.get_close_matches(wrong, valid, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # Python limits the digits of a decimal number, but not of a hexadecimal one
        return "a number with too many digits to print"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


# Exceptions that PyYAML's constructors leak, for example for `!!int ""` and `!!map [a]`.
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class _UniqueKeys(yaml.SafeLoader):
    """Rejects duplicate keys, which PyYAML accepts silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is used twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
