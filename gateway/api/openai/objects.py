"""What the OpenAI API's objects of both kinds of completion have in common."""

from __future__ import annotations

import secrets
import time

from gateway.chat.events import FinishReason, Logprob, Usage
from gateway.chat.json import Json, Object

FINISH_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_STRING: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
}


class Head:
    """The fields that all objects of one response share."""

    def __init__(self, model: str, prefix: str):
        self._id = f"{prefix}-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._model = model
        self._fingerprint: Object = {}

    def set_fingerprint(self, fingerprint: str) -> None:
        """Adds the engine's fingerprint to all objects from now on, if it has one."""
        self._fingerprint = {"system_fingerprint": fingerprint} if fingerprint else {}

    def object(self, kind: str, choices: list[Json], **more: Json) -> Object:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            **self._fingerprint,
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


def logprob_object(token: Logprob) -> Object:
    return {**_token(token), "top_logprobs": [_token(other) for other in token.top]}


def _token(token: Logprob) -> Object:
    return {"token": token.token, "logprob": token.logprob, "bytes": [*token.bytes]}
