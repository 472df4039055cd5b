"""The key `remote` of a model: options of an engine that runs behind a URL."""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from gateway.config.llama import Section

SCHEMES = ("http", "https")
HUBS = ("huggingface.co", "www.huggingface.co", "hf.co")  # no engine has such an address

# Keys that have no effect on a remote engine.
LOCAL_KEYS: tuple[str, ...] = (
    *("gpu_layers", "threads", "pinned", "idle_s", "hang_s", "thinking_budget"),
    "tool_call_threshold",
    *("fast_forward", "draft_tokens", "reproducible", "prefix_cache"),
    *("embeddings", "lora", "llama"),
)

Mark = Annotated[str, Field(min_length=2)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class RemoteOptions(Section):
    """Options of a remote engine.

    The API key is read from an environment variable, and never stored in models.yaml.
    """

    model: Annotated[str, Field(min_length=1)] | None = None
    """Name of the model at the engine; by default the name of the entry."""
    key: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Environment variable that has the API key."""
    grammar: Literal["none", "vllm", "llama-server"] = "none"
    """How the engine takes grammars; with `none`, calls are validated when they are complete."""
    special: tuple[Mark, ...] = ()
    """Control tokens of the vocabulary that neither template nor format contains."""
    eos: str = ""
    """Value of `eos_token` in the template, for example `</s>`."""
    slots: Annotated[int, Field(ge=16, le=512)] = 16
    """Answers requested at once; 16 as of a local model, up to the gateway's 512 connections."""
    timeout_s: Seconds = 120.0
    """Read timeout in seconds; 120 s leave time for the engine's queue and a long prompt."""
    connect_s: Seconds = 5.0
    """Connect timeout in seconds; 5 s is the default of httpx."""
    regenerate: Annotated[int, Field(ge=0, le=10)] = 2
    """Maximum retries of an invalid answer; 2, since each takes as long as the first."""


def is_remote(source: str) -> bool:
    """Whether `source` is the URL of an engine."""
    return source.partition(":")[0].lower() in SCHEMES


def fault(source: str, template: str, format: str | None, given: Set[str]) -> str | None:
    """An invalid combination of keys, as `key: the fault and the cure`, or None.

    `given` are the keys that the entry sets.
    """
    if not is_remote(source):
        return (
            "remote: this key requires a `source` of http:// or https://" * ("remote" in given)
            or None
        )
    if not (address := _address(source)):
        return f"source: found {source!r}; expected http://host:port/v1"
    if address.hostname in HUBS:
        return (
            f"source: {source!r} is a page of the hub; write hf:owner/repo/file.gguf, which"
            " `tool-gateway pull` prints for this address"
        )
    if address.username or address.password:
        return "source: the URL has a password; name an environment variable in `remote.key`"
    if template == "gguf":
        return "template: a remote engine has no chat template; name a file in templates/"
    if format is None:
        return "format: this key is missing; it cannot be detected for a remote engine"
    if local := [key for key in LOCAL_KEYS if key in given]:
        return f"{local[0]}: this key has no effect on a remote engine; remove it"
    return None


def _address(source: str) -> SplitResult | None:
    """The parts of a URL; None without a host, or with an invalid port."""
    try:
        address = urlsplit(source)
        return address if address.hostname and address.port != 0 else None
    except ValueError:
        return None
