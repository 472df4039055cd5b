"""One request's state inside the engine."""

from __future__ import annotations

from dataclasses import dataclass, field

WRITING = 32  # so few pending tokens are an answer's next step, not a prompt
BEGINNING = 2  # steps


@dataclass(frozen=True, slots=True)
class Miss:
    """Why no more of a prompt was cached: how the nearest prefix goes on `at`, and the prompt."""

    at: int
    held: list[int]
    asked: list[int]


@dataclass(slots=True, eq=False)
class Sequence:
    """Tokens, and how many of them the model has read.

    `tokens` is the prompt and then the answer. `slot` is where its cells are, None while it
    waits. `cached` is how much of the prompt was found there already. In `steps` steps the answer
    went on. At each of `checkpoints` reading stops for a step, so that what stands there can be
    saved. `draft` is a guess at what comes after all tokens. When the answer `is_over`, what was
    forced at its end is still to be read: the next prompt repeats it.
    """

    id: int
    tokens: list[int]
    checkpoints: list[int] = field(default_factory=list)
    prompt_length: int = field(init=False)
    slot: int | None = None
    read: int = 0
    cached: int = 0
    steps: int = 0
    draft: list[int] = field(default_factory=list)
    miss: Miss | None = None
    was_admitted: bool = False
    is_over: bool = False

    def __post_init__(self) -> None:
        self.prompt_length = len(self.tokens)

    @property
    def prompt(self) -> list[int]:
        return self.tokens[: self.prompt_length]

    @property
    def pending(self) -> int:
        """How many tokens wait to be read."""
        return len(self.tokens) - self.read

    @property
    def ahead(self) -> int:
        """How many of them may be read in one step."""
        next_stop = min((at for at in self.checkpoints if at > self.read), default=len(self.tokens))
        return next_stop - self.read

    @property
    def generated(self) -> int:
        return len(self.tokens) - self.prompt_length

    @property
    def is_writing(self) -> bool:
        """Its answer has begun, and only the next of it is to be read."""
        return self.generated > 0 and self.pending <= WRITING

    @property
    def is_under_way(self) -> bool:
        """Who reads it would notice a gap; one that has hardly begun lets others begin too."""
        return self.is_writing and self.steps > BEGINNING
