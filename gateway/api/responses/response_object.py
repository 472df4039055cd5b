"""The response object: what a request for a response is answered with, and what is stored of it.

Source: https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

import time

from gateway.api.responses.body import ResponseBody
from gateway.api.responses.ids import new_id
from gateway.chat.events import Finished, FinishReason, Usage
from gateway.chat.json import Json, Object
from gateway.chat.request import Request
from gateway.errors import GatewayError

IN_PROGRESS = ("queued", "in_progress")  # each status of a response that has not ended


class ResponseObject:
    """A response that is being generated; `status` and `output` are those so far.

    `notes` are the gateway's own: what was left out of the request, and about the answer.
    """

    def __init__(self, body: ResponseBody, request: Request, notes: list[str]):
        self.id = new_id("resp")
        self.status = "queued" if body.background else "in_progress"
        self.output: list[Json] = []
        self._created_at = int(time.time())
        self._completed_at: int | None = None
        self._error: Json = None
        self._incomplete_details: Json = None
        self._usage: Json = None
        self.notes = notes
        self._extensions: Object = {}  # fields that the OpenAI API does not have
        self._settings = _settings(body, request)

    @property
    def has_ended(self) -> bool:
        return self.status not in IN_PROGRESS

    @property
    def is_empty(self) -> bool:
        """Whether it has neither text nor calls; clients would go on asking."""
        return all(isinstance(item, dict) and item["type"] == "reasoning" for item in self.output)

    def finish(self, finished: Finished) -> None:
        """The answer is complete, or was cut off."""
        if finished.reason is FinishReason.LENGTH:
            self.status = "incomplete"
            self._incomplete_details = {"reason": "max_output_tokens"}
        else:
            self.status = "completed"
            self._completed_at = int(time.time())
        self._usage = usage_object(finished.usage)
        if finished.call_probability is not None:
            self._extensions["tool_call_probability"] = finished.call_probability
        self.notes += [note.text for note in finished.notes]

    def fail(self, error: GatewayError) -> None:
        self.status, self._completed_at = "failed", None
        self._error = {"code": error.code or error.type, "message": error.message}

    def object(self) -> Object:
        """The response as it is now."""
        notes: Object = {"notes": [*self.notes]} if self.notes else {}
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_at,
            "completed_at": self._completed_at,
            "status": self.status,
            "error": self._error,
            "incomplete_details": self._incomplete_details,
            "output": [*self.output],
            "usage": self._usage,
            **self._settings,
            **self._extensions,
            **notes,
        }


def usage_object(usage: Usage) -> Object:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _settings(body: ResponseBody, request: Request) -> Object:
    """What the request has set, or left to its defaults."""
    reasoning = body.reasoning
    text = body.text
    text_format = text.format if text and text.format else None
    choice = body.tool_choice or "auto"
    return {
        "model": body.model,
        "instructions": body.instructions,
        "previous_response_id": body.previous_response_id,
        "tools": [tool.model_dump(by_alias=True) for tool in body.tools or []],
        "tool_choice": choice if isinstance(choice, str) else choice.model_dump(exclude_none=True),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": {
            "format": text_format.model_dump(by_alias=True) if text_format else {"type": "text"},
            "verbosity": text.verbosity if text else None,
        },
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "max_output_tokens": body.max_output_tokens,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "top_logprobs": body.top_logprobs or 0,
        "truncation": body.truncation or "disabled",
        "metadata": dict(body.metadata or {}),
        "store": body.store is not False,
        "background": bool(body.background),
    }
