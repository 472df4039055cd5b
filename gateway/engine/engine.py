"""The engine seam: what a worker process, a remote server and a fake have in common."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.engine.generation import Embeddings, Generation, Output, Tokens
from gateway.errors import BadRequest


class SpecialToken(msgspec.Struct, frozen=True):
    """A token that the tokenizer never makes of plain text.

    Only the chat template may write one that `is_control`.
    """

    id: int
    text: str
    is_control: bool


class EngineInfo(msgspec.Struct, frozen=True, tag=True):
    """An engine's description of its model.

    `context` is the context's length in tokens, as llama.cpp rounded it; of an embedding model it
    is the longest input, and `dimensions` the length of its vectors. A token stands for at most
    `max_token_bytes` bytes of text, which is 0 if that is unknown. `compute` says what computes the
    model, such as "29/29 layers on CUDA0", and `weights` how it is quantized and how large it is;
    both are "" if that is unknown. `offloaded_layers` are on a GPU. `fingerprint` names what the
    answers depend on beside the requests: the build, the file, the settings; "" if it is unknown.
    `not_reproducible` says why answers may vary although these are the same; "" if they don't.
    """

    context: int
    trained_context: int
    description: str
    special_tokens: list[SpecialToken]
    bos: str
    eos: str
    chat_templates: dict[str, str]
    dimensions: int = 0
    max_token_bytes: int = 0
    compute: str = ""
    weights: str = ""
    offloaded_layers: int = 0
    fingerprint: str = ""
    not_reproducible: str = "this model's engine does not promise it"

    def min_tokens(self, prompt: Iterable[str | int]) -> int:
        """The number of tokens that `prompt` has at least, found without tokenizing it.

        Texts are tokenized one by one. A token of an earlier answer may span two of them.
        """
        parts = list(prompt)
        texts = [part.encode(errors="replace") for part in parts if isinstance(part, str)]
        special = len(parts) - len(texts)
        if not self.max_token_bytes:
            return special
        by_size = math.ceil(sum(map(len, texts)) / self.max_token_bytes)
        return special + max(by_size, sum(map(bool, texts)) // 2)

    @property
    def special_ids(self) -> dict[str, int]:
        """The ids of the special tokens by their texts."""
        return {token.text: token.id for token in self.special_tokens}


class EngineStats(msgspec.Struct, frozen=True, tag=True):
    """What an engine is doing, and its counters since the start.

    Sequences that run and that wait for KV cells; the KV cells in use, cached prefixes included;
    the number of idle cached prefixes; tokens a second of all answers since the last statistics;
    forward passes, generated tokens, grammar masks and the seconds spent on masks.
    """

    running: int = 0
    waiting: int = 0
    kv_cells_used: int = 0
    idle_prefixes: int = 0
    tokens_per_s: float = 0.0
    steps: int = 0
    tokens: int = 0
    masks: int = 0
    mask_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Features:
    """What an engine can do beyond plain completion. A worker process can do all of it."""

    enforces_grammar: bool = True
    holds_text: bool = True  # a grammar of any text is no slower than none
    limits_thinking: bool = True
    gives_logprobs: bool = True
    echoes_prompt: bool = True
    weighs_openings: bool = True
    tells_tokens: bool = True

    def check(self, request: Generation) -> None:
        """Raises BadRequest for a request that needs a feature that is missing.

        A grammar is no such need: what an engine doesn't enforce is validated afterwards.
        """
        if request.interruption is not None and not self.limits_thinking:
            raise BadRequest(
                "this model's engine does not support a thinking budget; omit `thinking_budget`",
                param="thinking_budget",
            )
        if request.top_logprobs is not None and not self.gives_logprobs:
            raise BadRequest(
                "this model's engine does not return log-probabilities; omit `logprobs`",
                param="logprobs",
            )
        if request.opening is not None and not self.weighs_openings:
            raise BadRequest(
                "this model's engine does not tell how probable a call is; omit"
                " `tool_call_threshold`",
                param="tool_call_threshold",
            )
        if request.echo and not self.echoes_prompt:
            raise BadRequest("this model's engine does not echo prompts; omit `echo`", param="echo")


class Engine(Protocol):
    """One loaded model."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def stats(self) -> EngineStats: ...

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the engine's process; pages of a mapped model file count too."""
        ...

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        """Returns the tokens of a prompt, as `generate` or `embed` makes them of it.

        Without `add_special`, none are added that the model expects around every text, such as BOS.
        Raises BadRequest if the engine can't tell them, and otherwise what `generate` raises.
        """
        ...

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        """Returns the bytes of each token; of a special token, those of its name.

        Raises BadRequest for an id beyond the vocabulary, and otherwise what `tokenize` raises.
        """
        ...

    async def stop(self) -> None:
        """Ends the engine; answers that are still being generated are lost."""
        ...


class TextEngine(Engine, Protocol):
    """Generates text."""

    @property
    def features(self) -> Features: ...

    def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        """Yields `Accepted`, then `Delta`s up to one with a `finish`.

        Closing the generator cancels the request. Raises BadRequest for a prompt that is too long
        and for a grammar that can't be compiled, GatewayError if generation fails, EngineDied if
        the worker is lost, and RemoteFailed if a remote engine is.
        """
        ...


class EmbeddingEngine(Engine, Protocol):
    """Makes embeddings."""

    async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
        """Returns one vector for each input; a text is tokenized, a number is one token.

        Cancelling the call cancels the request. Raises BadRequest for an input that is empty or
        too long, and otherwise what `generate` raises.
        """
        ...


class WorkerEngine(TextEngine, EmbeddingEngine, Protocol):
    """An engine that is a worker process: its model decides which of the two it can do."""
