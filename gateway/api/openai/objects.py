"""What the OpenAI API's objects of both kinds of completion have in common."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from gateway.chat.events import FinishReason, Usage
from gateway.chat.json import Json, Object

FINISH_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_STRING: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
}


@dataclass(slots=True)
class Head:
    """The fields that all objects of one response share."""

    model: str
    prefix: str
    id: str = field(init=False)
    created: int = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"{self.prefix}-{secrets.token_hex(12)}"
        self.created = int(time.time())

    def object(self, kind: str, choices: list[Json], **more: Json) -> Object:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **more,
        }


def usage_object(usage: Usage) -> Object:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
