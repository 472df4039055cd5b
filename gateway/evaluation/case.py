"""A case: a chat request, and what a right answer to it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import Struct

from gateway.chat.json import Json

Message: TypeAlias = dict[str, Any]

MAX_TOKENS = 160


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """A call that is due: its arguments equal `arguments`, or are valid under `schema`."""

    name: str
    arguments: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A chat request and what a right answer to it is.

    `calls` are due, in any order; without them, text is due that contains all of `states`. If
    `settings`, the other fields of the request, has a `response_format`, JSON is due.
    """

    id: str
    kind: str
    messages: Sequence[Message]
    tools: Sequence[dict[str, Any]] = ()
    calls: tuple[Expected, ...] = ()
    states: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def choice(self) -> str:
        """The tool_choice, as a word: `named` for a function, or the type of another object."""
        choice = self.settings.get("tool_choice", "auto")
        if isinstance(choice, str):
            return choice
        return "named" if choice.get("type") == "function" else str(choice.get("type"))

    def schema(self, name: str) -> Json:
        """The parameter schema of the tool `name`, or False, which admits nothing."""
        functions = [tool["function"] for tool in self.tools]
        found = [tool.get("parameters") or {} for tool in functions if tool["name"] == name]
        return found[0] if found else False

    def request(self, model: str, max_tokens: int | None = None) -> dict[str, Any]:
        """The body of the chat request, greedy; `max_tokens` replaces the case's own."""
        body = {"model": model, "messages": self.messages, "temperature": 0, **self.settings}
        body["max_tokens"] = max_tokens or self.settings.get("max_tokens", MAX_TOKENS)
        return {**body, "tools": self.tools} if self.tools else body


def spread(cases: Sequence[Case], every: int) -> list[Case]:
    """Every so many cases of each kind and tool_choice, from its first on."""
    seen: Counter[tuple[str, str]] = Counter()
    chosen = []
    for case in cases:
        group = (case.kind, case.choice)
        if seen[group] % every == 0:
            chosen.append(case)
        seen[group] += 1
    return chosen
