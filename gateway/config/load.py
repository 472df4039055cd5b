"""models.yaml -> frozen values. An error names the key's path, what was found, and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BeforeValidator, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.config.limits import Limits
from gateway.config.llama import Adapters, LlamaOptions, Section
from gateway.config.remote import RemoteOptions, fault, is_remote
from gateway.errors import ConfigError


class SamplingDefaults(Section):
    """What a request that does not say gets; the names and ranges are llama.cpp's."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    """How freely tokens are drawn; 0 takes the likeliest; 0.8 is llama.cpp's default."""
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.95
    """The likeliest tokens that have so much of the probability are left; llama.cpp's default."""
    top_k: Annotated[int, Field(ge=0, lt=2**31)] = 40
    """So many of the likeliest tokens are left, 0 for all; 40 is llama.cpp's default."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Drops tokens of less than so much of the likeliest one's probability; llama.cpp's default."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """What the draws follow from; without one they are others each time."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """How much less likely a token gets each time it is written; 0 leaves it as it is."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """How much less likely a token gets once it is written; 0 leaves it as it is."""
    repeat_penalty: Annotated[float, Field(gt=0, le=2)] = 1.0
    """By how much the logit of what was written is divided; 1 leaves it as it is."""


class Streaming(Section):
    """How an answer is cut into chunks, for clients that cannot take the usual way."""

    tool_calls: Literal["incremental", "whole"] = "incremental"
    """`whole` sends all calls of an answer in one chunk, for clients that read no second one."""
    content: Literal["when_present", "always"] = "when_present"
    """`always` puts a text into every chunk, for clients that add it up unasked."""


class PrefixCache(Section):
    """Where prefixes go that leave the context."""

    memory_mb: Annotated[int, Field(ge=0, lt=2**24)] = 512
    """Memory for them, 0 for none; 512 MB hold 4,096 tokens of Llama 3 8B (128 KB each)."""
    folder: Path | None = None
    """Where they outlive the gateway, as a path relative to models.yaml; none keeps none."""
    folder_mb: Annotated[int, Field(ge=0, lt=2**30)] = 4096
    """How large the folder may get; 4096 MB hold 32,768 tokens of Llama 3 8B."""


Threads: TypeAlias = Annotated[int, Field(ge=1, le=512)]


def _threads(found: object) -> object:
    """One error for a value that is neither; pydantic gives one for each of the two."""
    if found == "auto" or (isinstance(found, int) and 1 <= found <= 512):
        return found
    raise PydanticCustomError("threads", "input should be a number from 1 to 512, or auto")


Megabytes: TypeAlias = Annotated[int, Field(gt=0, lt=2**24)]


def _memory(found: object) -> object:
    if found == "auto" or (type(found) is int and 0 < found < 2**24):
        return found
    raise PydanticCustomError("memory", "input should be a number of megabytes, or auto")


# Keys that are looked at when a request comes, or a model is to go.
ASKED_LATER = (
    *("aliases", "preload", "queue", "pinned", "idle_s", "sampling", "stream"),
    *("thinking_budget", "fast_forward", "draft_tokens"),
)


class Entry(Section):
    """One model."""

    source: Annotated[str, Field(min_length=1)]
    """A path, `package:name/file`, `hf:owner/repo/file.gguf`, or an engine's address."""
    template: str = "gguf"
    """How the prompt is written: `gguf` for the file's own chat template, or one of templates/."""
    format: str | None = None
    """How it writes its calls, see formats.md; without one the file's own chat template tells."""
    context: Annotated[int, Field(ge=256, le=2**24)] = 4096
    """Tokens that the model holds, over all that it is doing; 4096 of Llama 3 8B take 512 MB."""
    gpu_layers: Annotated[int, Field(ge=-1, lt=2**31)] = -1
    """Layers to put on the GPU; -1 puts all there, as a model that fits is fastest so."""
    threads: Annotated[Threads | Literal["auto"], BeforeValidator(_threads)] = "auto"
    """CPU threads; `auto` is one for each processor, fewer while other programs keep some busy."""
    aliases: tuple[str, ...] = ()
    """Other names for the same model."""
    preload: bool = False
    """Load it when the gateway starts, not when it is first asked for."""
    queue: Annotated[int, Field(ge=0)] = 64
    """Requests that may wait; 64 are four rounds of the 16 slots, and who waits longer gives up."""
    thinking_budget: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Tokens that it may think where a request does not say; none lets it think for ever."""
    fast_forward: bool = True
    """Tokens that the grammar forces are read at once, not one by one; the text is the same."""
    draft_tokens: Annotated[int, Field(ge=0, le=64)] = 0
    """Tokens to guess ahead where an answer repeats the prompt; only those that copy much gain."""
    prefix_cache: PrefixCache = PrefixCache()
    """Prompts that have left the context need not be read again."""
    sampling: SamplingDefaults = SamplingDefaults()
    """What a request that does not say gets."""
    stream: Streaming = Streaming()
    """How answers are cut into chunks."""
    embeddings: bool = False
    """The model makes vectors of texts and writes none."""
    pinned: bool = False
    """Once loaded it stays, whoever needs its memory."""
    idle_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds that it stays loaded while nobody uses it; without a number it is not sent away."""
    hang_s: Annotated[float, Field(gt=0)] = 300.0
    """Seconds of silence after which a busy worker is ended; more than a slow step takes."""
    lora: Adapters = ()
    """Adapters to put on the model, each by the rules of `source`, with a scale, by default 1."""
    llama: LlamaOptions = LlamaOptions()
    """llama.cpp's own settings."""
    remote: RemoteOptions = RemoteOptions()
    """How to speak to an engine elsewhere, where `source` is its address."""

    @property
    def is_remote(self) -> bool:
        return is_remote(self.source)

    def loads_like(self, other: Entry | None) -> bool:
        """Whether a model that was loaded for one will do for the other."""
        own = self.model_dump(exclude=set(ASKED_LATER))
        return other is not None and own == other.model_dump(exclude=set(ASKED_LATER))


class Config(Section):
    """All of models.yaml."""

    models: Annotated[dict[str, Entry], Field(min_length=1)]
    """The models by name, which is what a client sends as `model`."""
    memory_mb: Annotated[Megabytes | Literal["auto"], BeforeValidator(_memory)] = "auto"
    """MB for all loaded models; `auto` leaves a quarter of the machine's to other programs."""
    limits: Limits = Limits()
    """How large a request may be."""
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    """How long a request may take, its wait included; who has had enough of one hangs up."""
    grace_s: Annotated[float, Field(ge=0)] = 7
    """How long requests may go on after SIGTERM; 7 s, for `docker stop` kills after 10."""
    hosts: tuple[str, ...] = ()
    """Names of a gateway without keys, beside localhost: a web page can make any other its own."""
    cors: tuple[str, ...] = ()
    """Origins whose web pages may read answers, as `https://app.example`."""
    folder: SkipJsonSchema[Path] = Path()

    @property
    def at_start(self) -> tuple[object, ...]:
        """What is looked at when the gateway starts, and not again."""
        return self.grace_s, self.hosts, self.cors, self.limits.body_mb

    def name_of(self, name: str) -> str | None:
        """The entry that `name` means: its own name, or one of its aliases."""
        if name in self.models:
            return name
        return next((own for own, entry in self.models.items() if name in entry.aliases), None)


def load(path: Path, formats: tuple[str, ...]) -> Config:
    """Read models.yaml; raises ConfigError. `formats` are the names that `format` may have."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give one with --config") from error
    except (yaml.YAMLError, *_FAULTS) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping with the key `models`, found {_shown(data)}")
    if "folder" in data:
        raise ConfigError(f"{path}:\n  folder: no such key; paths start at the folder of this file")
    try:
        config = Config.model_validate({**data, "folder": path.parent})
    except ValidationError as error:
        told = "\n".join(f"  {_told(details)}" for details in error.errors())
        raise ConfigError(f"{path}:\n{told}") from error
    _check(path, config, formats)
    return config


def _check(path: Path, config: Config, formats: tuple[str, ...]) -> None:
    """What no single key can know."""
    seen: dict[str, str] = {}
    for name, entry in config.models.items():
        if entry.format is not None and entry.format not in formats:
            raise ConfigError(
                f"{path}:\n  models.{name}.format: found {entry.format!r}, expected one of"
                f" {', '.join(formats)}{_guess(entry.format, formats)}"
            )
        if wrong := entry.llama.fault:
            raise ConfigError(f"{path}:\n  models.{name}.llama.{wrong}")
        if wrong := fault(entry.source, entry.template, entry.format, entry.model_fields_set):
            raise ConfigError(f"{path}:\n  models.{name}.{wrong}")
        for called in (name, *entry.aliases):
            if called in seen:
                raise ConfigError(
                    f"{path}:\n  models.{name}.aliases: {called!r} already means {seen[called]!r}"
                )
            seen[called] = name


def _told(details: ErrorDetails) -> str:
    where = ".".join(map(str, details["loc"]))
    if details["type"] == "extra_forbidden":
        valid = _keys_beside(details["loc"])
        wrong = str(details["loc"][-1])
        return f"{where}: no such key; valid are {', '.join(valid)}{_guess(wrong, valid)}"
    if details["type"] == "missing":
        return f"{where}: this key is missing"
    told = details["msg"].removeprefix("Value error, ")
    return f"{where}: found {_shown(details['input'])}; {_lowered(told)}"


def _keys_beside(location: tuple[int | str, ...]) -> tuple[str, ...]:
    sections: dict[int, type[Section]] = {1: Config, 3: Entry}
    nested: dict[str, type[Section]] = {
        "sampling": SamplingDefaults,
        "stream": Streaming,
        "prefix_cache": PrefixCache,
        "llama": LlamaOptions,
        "limits": Limits,
        "remote": RemoteOptions,
    }
    section = sections.get(len(location)) or nested[str(location[-2])]
    return tuple(name for name in section.model_fields if (section, name) != (Config, "folder"))


def _guess(wrong: str, valid: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(wrong, valid, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # in hexadecimal a number may have more digits than Python writes in decimal
        return "a number that is too long to show"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


# PyYAML lets through what its constructors run into, as in `!!int ""` and `!!map [a]`.
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class _UniqueKeys(yaml.SafeLoader):
    """YAML takes the last of two equal keys without a word; here the second is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands here twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
