"""One request in the scheduler: its tokens, its state, and how far it is computed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.worker.scheduler.tuning import MAX_DECODE_TOKENS, MAX_STARTING_STEPS


class State(Enum):
    """WAITING -> RUNNING -> FINISHING -> FINISHED; RUNNING -> PREEMPTED -> RUNNING."""

    WAITING = auto()  # for its first slot
    RUNNING = auto()  # has a slot: prefill first, then decode
    PREEMPTED = auto()  # gave its slot to an older sequence, and waits for another one
    FINISHING = auto()  # the answer is complete; its last tokens are decoded if a slot is free
    FINISHED = auto()  # has no slot; its computed tokens may stay in the KV cache as a prefix


@dataclass(frozen=True, slots=True)
class PrefixMiss:
    """Where a prompt differs from the nearest cached prefix, and how each continues."""

    position: int
    cached: list[int]
    prompt: list[int]


@dataclass(slots=True, eq=False)
class Sequence:
    """The tokens of a prompt and its answer, of which the first `computed` are in the KV cache.

    `slot` is the slot of the KV cache that it runs in, None unless it has one. `cached_tokens` of
    the prompt were in the cache when it was admitted. `draft` holds draft tokens: a guess at what
    follows `tokens`, to be verified by the next step. At each of `checkpoints` (token positions)
    prefill stops for a step, so that the prefix up to there can be saved.
    """

    id: int
    tokens: list[int]
    checkpoints: list[int] = field(default_factory=list)
    prompt_length: int = field(init=False)
    state: State = State.WAITING
    slot: int | None = None
    computed: int = 0
    cached_tokens: int = 0
    decode_steps: int = 0
    draft: list[int] = field(default_factory=list)
    prefix_miss: PrefixMiss | None = None

    def __post_init__(self) -> None:
        self.prompt_length = len(self.tokens)

    @property
    def prompt(self) -> list[int]:
        return self.tokens[: self.prompt_length]

    @property
    def generated(self) -> int:
        """The number of generated tokens."""
        return len(self.tokens) - self.prompt_length

    @property
    def pending(self) -> int:
        """The number of tokens that are not computed yet."""
        return len(self.tokens) - self.computed

    @property
    def pending_to_checkpoint(self) -> int:
        """The number of pending tokens that one step may compute."""
        stops = (at for at in self.checkpoints if at > self.computed)
        return min(stops, default=len(self.tokens)) - self.computed

    @property
    def is_decoding(self) -> bool:
        """Whether it is in its decode phase; otherwise it is in prefill."""
        length = len(self.tokens)
        return self.prompt_length < length <= self.computed + MAX_DECODE_TOKENS

    @property
    def is_streaming(self) -> bool:
        """Whether its reader would notice a slow step: it decodes, and not just started to."""
        return self.is_decoding and self.decode_steps > MAX_STARTING_STEPS
