"""models.yaml -> frozen values. An error names the key's path, what was found, and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.errors import ConfigError
from gateway.limits import Limits
from gateway.options import Adapters, LlamaOptions, Section
from gateway.remote.options import RemoteOptions, fault, is_remote


class SamplingDefaults(Section):
    """What a request that does not say gets; the names and ranges are llama.cpp's."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.95
    top_k: Annotated[int, Field(ge=0)] = 40
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    seed: int | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    repeat_penalty: Annotated[float, Field(gt=0, le=2)] = 1.0


class Streaming(Section):
    """How an answer is cut into chunks, for clients that cannot take the usual way."""

    tool_calls: Literal["incremental", "whole"] = "incremental"
    content: Literal["when_present", "always"] = "when_present"


class PrefixCache(Section):
    """Where prefixes go that leave the context."""

    memory_mb: Annotated[int, Field(ge=0, lt=2**24)] = 512
    folder: Path | None = None
    folder_mb: Annotated[int, Field(ge=0, lt=2**30)] = 4096


def _threads(found: object) -> object:
    """One error for a value that is neither; pydantic gives one for each of the two."""
    if found == "auto" or (isinstance(found, int) and 1 <= found <= 512):
        return found
    raise PydanticCustomError("threads", "input should be a number from 1 to 512, or auto")


class Entry(Section):
    """One model. See models.yaml for what each key means."""

    source: Annotated[str, Field(min_length=1)]
    template: str = "gguf"
    format: str | None = None
    context: Annotated[int, Field(ge=256, le=2**24)] = 4096
    gpu_layers: Annotated[int, Field(ge=-1)] = -1
    threads: Annotated[int | Literal["auto"], BeforeValidator(_threads)] = "auto"
    aliases: tuple[str, ...] = ()
    preload: bool = False
    queue: Annotated[int, Field(ge=0)] = 64
    thinking_budget: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    fast_forward: bool = True
    draft_tokens: Annotated[int, Field(ge=0, le=64)] = 0
    prefix_cache: PrefixCache = PrefixCache()
    sampling: SamplingDefaults = SamplingDefaults()
    stream: Streaming = Streaming()
    embeddings: bool = False
    lora: Adapters = ()
    llama: LlamaOptions = LlamaOptions()
    remote: RemoteOptions = RemoteOptions()

    @property
    def is_remote(self) -> bool:
        return is_remote(self.source)


class Config(Section):
    models: Annotated[dict[str, Entry], Field(min_length=1)]
    limits: Limits = Limits()
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    grace_s: Annotated[float, Field(ge=0)] = 7
    hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    folder: Path = Path()

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
