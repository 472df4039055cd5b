"""A loaded model: its engine and, if it generates text, its chat template and its format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar

from gateway.concurrency import Serializer
from gateway.config.load import Entry
from gateway.engine.engine import EmbeddingEngine, TextEngine
from gateway.errors import BadRequest
from gateway.formats.format import Format
from gateway.lru import LRUCache
from gateway.pool.pool import InThisProcess, Pool
from gateway.prompt.template import Template
from gateway.prompt.text_history import TextHistory

# Characters of the schemas whose constraints are remembered, and those that each counts for more:
# it has objects besides its texts.
CONSTRAINTS = (4 * 2**20, 4096)


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model that generates text.

    `special` has the ids of the special tokens by their texts. `tally` counts `answers`, `calls`,
    `noted` and `regenerated`. `history` has the turns that the model generated, as it wrote them.
    `pool` runs what a client's schemas may make long; `constraints` has what came of them.
    """

    name: str
    entry: Entry
    engine: TextEngine
    format: Format
    template: Template
    special: dict[str, int]
    tally: Counter[str] = field(default_factory=Counter)
    history: TextHistory = field(default_factory=TextHistory)
    serializer: Serializer = field(default_factory=Serializer)
    pool: Pool = field(default_factory=InThisProcess)
    constraints: LRUCache[Any] = field(default_factory=partial(LRUCache, *CONSTRAINTS))

    def reproduces(self, seed: int | None, *, asked: bool) -> bool:
        """Whether an answer is reproducible: a request has a `seed`, or has `asked` for that."""
        if self.engine.info.not_reproducible:
            return False
        return asked or seed is not None or self.entry.reproducible == "always"


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model that makes embeddings."""

    name: str
    entry: Entry
    engine: EmbeddingEngine
    serializer: Serializer = field(default_factory=Serializer)


Model: TypeAlias = ChatModel | EmbeddingModel
M = TypeVar("M", bound=Model)


def kind_of(entry: Entry) -> type[Model]:
    """Returns the kind of model that an entry declares."""
    return EmbeddingModel if entry.embeddings else ChatModel


def check_kind(name: str, entry: Entry, kind: type[M]) -> None:
    """Raises BadRequest if the entry's model is not of `kind`."""
    if entry.embeddings and kind is ChatModel:
        raise BadRequest(
            f"model {name!r} makes embeddings and generates no text; use /v1/embeddings",
            param="model",
        )
    if not entry.embeddings and kind is EmbeddingModel:
        raise BadRequest(
            f"model {name!r} generates text and makes no embeddings; embedding models have"
            " `embeddings: true` in models.yaml",
            param="model",
        )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What clients can ask of a model; None is unknown until the model is loaded."""

    tools: bool | None
    parallel_tool_calls: bool | None
    reasoning: bool | None
    embeddings: bool


def capabilities(entry: Entry, format: Format | None, template: Template | None) -> Capabilities:
    """Returns a model's capabilities; `format` and `template` are None while unknown."""
    if entry.embeddings:
        return Capabilities(False, False, False, True)
    if format is None:
        return Capabilities(None, None, None, False)
    tools = template.shows_tools if template else True
    return Capabilities(tools, tools and not format.single_call, format.think is not None, False)
