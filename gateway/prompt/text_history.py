"""What a model wrote is written again so, when its turn comes back unchanged.

A turn can be written in more ways than one: a number as 1.0 or as 1, a thought with a line break
more, a call with an id of the model's own. To a client they are the same, to a cache they are not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.chat.messages import Message, Turn
from gateway.lru import LRUCache

MOST_KEPT = 4 * 2**20  # characters of turns
SPACES = 16  # more than a template writes between a prompt and a turn


@dataclass(frozen=True, slots=True)
class Written:
    """A turn as a model wrote it: its `text`, which began at `start` of a prompt, `before` it.

    `ids` are what the model called its calls, by the client's ids.
    """

    start: int
    before: str
    text: str
    ids: dict[str, str]

    def again(self, prompt: str, canonical: str) -> str:
        """`prompt`, in which `canonical` stands for the turn, with the turn as it was written.

        A template may write a space more or less before a turn than where it ends a prompt.
        """
        begin = self.start - len(self.before)
        pairs = enumerate(zip(self.before, prompt[begin:], strict=False))
        same = next((i for i, (one, other) in pairs if one != other), len(self.before))
        start, rest = begin + same, self.before[same:]
        at = prompt.find(canonical, start, start + len(rest) + SPACES + len(canonical))
        if not canonical or at < 0 or prompt[start:at].split() != rest.split():
            return prompt
        return prompt[:start] + rest + self.text + prompt[at + len(canonical) :]


class Said:
    """The latest turns of a model."""

    def __init__(self) -> None:
        self._turns: LRUCache[Written] = LRUCache(MOST_KEPT)

    def keep(self, reply: Turn, written: Written) -> None:
        self._turns[_key(reply)] = written

    def replies(self, messages: Sequence[Message]) -> list[Written | None]:
        """How each reply among `messages` was written, None if that is not known."""
        return [self._turns.get(_key(m)) for m in messages if isinstance(m, Turn)]


def _key(reply: Turn) -> str:
    calls = [(call.id, call.name, call.arguments) for call in reply.calls]
    return json.dumps([reply.text, reply.reasoning, calls])
