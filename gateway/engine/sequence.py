"""One request's state inside the engine."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Sequence:
    """Tokens, and how many of them the model has read.

    `tokens` is the prompt and then the answer. `slot` is where its cells are, None while it
    waits. `cached` is how much of the prompt was found there already.
    """

    id: int
    tokens: list[int]
    prompt_length: int = field(init=False)
    slot: int | None = None
    read: int = 0
    cached: int = 0
    was_admitted: bool = False

    def __post_init__(self) -> None:
        self.prompt_length = len(self.tokens)

    @property
    def pending(self) -> int:
        """How many tokens wait to be read."""
        return len(self.tokens) - self.read

    @property
    def generated(self) -> int:
        return len(self.tokens) - self.prompt_length
