"""Keeps earlier turns in a prompt as the model wrote them, so that the prefix cache matches.

The same turn can be written in several ways: a number as 1.0 or 1, one more line break after
reasoning, ids that the model chose. A client can't tell them apart, but a cache can.

This history works on text, before tokenization; `worker/sampling/token_history.py` works on the
tokens of that text, as the same text has several tokenizations. A prefix matches only with both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.chat.messages import Message, Turn
from gateway.lru import LRUCache

MAX_CHARACTERS = 4 * 2**20  # of all turns
MAX_SPACE = 16  # characters; more than templates write between a prompt and a turn


@dataclass(frozen=True, slots=True)
class WrittenTurn:
    """The `text` of a turn as the model wrote it, at `start` in its prompt.

    `before` is the end of the prompt before `start`. `ids` maps the ids of calls that the client
    knows to those that the model wrote.
    """

    start: int
    before: str
    text: str
    ids: dict[str, str]

    def restore(self, prompt: str, canonical: str) -> str:
        """Replaces the turn in `prompt`, where it is written as `canonical`, by `text`.

        A template may write white space before an earlier turn that it does not write at the end
        of a prompt. If the turn is not at `start`, `prompt` is returned as it is.
        """
        begin = self.start - len(self.before)
        pairs = enumerate(zip(self.before, prompt[begin:], strict=False))
        same = next((i for i, (one, other) in pairs if one != other), len(self.before))
        start, rest = begin + same, self.before[same:]
        at = prompt.find(canonical, start, start + len(rest) + MAX_SPACE + len(canonical))
        if not canonical or at < 0 or prompt[start:at].split() != rest.split():
            return prompt
        return prompt[:start] + rest + self.text + prompt[at + len(canonical) :]


class TextHistory:
    """The latest turns of one model, up to `MAX_CHARACTERS`."""

    def __init__(self) -> None:
        self._turns: LRUCache[WrittenTurn] = LRUCache(MAX_CHARACTERS)

    def record(self, turn: Turn, written: WrittenTurn) -> None:
        self._turns[_key(turn)] = written

    def find(self, messages: Sequence[Message]) -> list[WrittenTurn | None]:
        """How each turn in `messages` was written; None if that is not known."""
        return [self._turns.get(_key(turn)) for turn in messages if isinstance(turn, Turn)]


def _key(turn: Turn) -> str:
    calls = [(call.id, call.name, call.arguments) for call in turn.calls]
    return json.dumps([turn.text, turn.reasoning, calls])
