"""The section `remote` of an entry: how to speak to an engine that runs elsewhere."""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from gateway.config.llama import Section

SCHEMES = ("http", "https")

# What only a worker of our own can do.
IDLE: tuple[str, ...] = (
    *("gpu_layers", "threads", "pinned", "idle_s", "hang_s", "thinking_budget"),
    *("fast_forward", "draft_tokens", "prefix_cache", "embeddings", "lora", "llama"),
)

Mark = Annotated[str, Field(min_length=2)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class RemoteOptions(Section):
    """`key` names the environment variable with the API key; models.yaml never has it itself."""

    model: Annotated[str, Field(min_length=1)] | None = None
    """Its own name for the model; none is the entry's name."""
    key: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The environment variable with its API key."""
    grammar: Literal["none", "vllm", "llama-server"] = "none"
    """How it is held to grammars; with `none`, calls are checked when they are complete."""
    special: tuple[Mark, ...] = ()
    """Control tokens of its vocabulary that neither template nor format writes."""
    eos: str = ""
    """What `eos_token` stands for in the template, as `</s>`."""
    timeout_s: Seconds = 120.0
    """How long it may be silent; 120 s leave time for its own queue and a long prompt."""
    connect_s: Seconds = 5.0
    """How long until it can be reached; 5 s, as httpx has it."""
    regenerate: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a wrong answer is written anew; 2, as each takes as long as the first."""


def is_remote(source: str) -> bool:
    """Whether `source` is an engine's address, not a file."""
    return source.partition(":")[0].lower() in SCHEMES


def fault(source: str, template: str, format: str | None, given: Set[str]) -> str | None:
    """What is wrong with an entry's keys together: one of them, and the cure.

    `given` are the keys that it has.
    """
    if not is_remote(source):
        return "remote: this is for a `source` of http:// or https://" * ("remote" in given) or None
    if not (address := _address(source)):
        return f"source: found {source!r}; expected http://host:port/v1"
    if address.username or address.password:
        return "source: it holds a password; name an environment variable in `remote.key` instead"
    if template == "gguf":
        return "template: a remote engine brings no chat template; name one of templates/"
    if format is None:
        return "format: this key is missing; a remote engine does not tell it"
    if idle := [key for key in IDLE if key in given]:
        return f"{idle[0]}: this does nothing where the engine is remote; leave it out"
    return None


def _address(source: str) -> SplitResult | None:
    """The parts of an address; None if it has no host, or a port that can't be."""
    try:
        address = urlsplit(source)
        return address if address.hostname and address.port != 0 else None
    except ValueError:
        return None
