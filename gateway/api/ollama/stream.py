"""Renders events as Ollama does: lines of a stream, or one object.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from gateway.api.ollama.durations import Durations
from gateway.api.ollama.errors import envelope
from gateway.api.openai.objects import logprob_object
from gateway.chat.events import (
    Answer,
    AnsweredCall,
    AnswerEvent,
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    FinishReason,
    Logprob,
    Logprobs,
    Reasoning,
    Text,
)
from gateway.chat.json import Json, Object
from gateway.errors import GatewayError

DONE_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_STRING: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "stop",
}


class OllamaRenderer(ABC):
    """Renders the answer to one request; calls come whole."""

    def __init__(self, model: str, durations: Durations):
        self._model = model
        self._durations = durations
        self._call = AnsweredCall("", "", "")
        self._calls = 0
        self._logprobs: list[Logprob] = []

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        """Yields the lines that an event of the answer becomes; `index` is always 0."""
        match event:
            case Text(text):
                yield self._line(self._piece(text))
            case Reasoning(text):
                yield self._line(self._piece("", text))
            case CallStart(name, id):
                self._call = AnsweredCall(id, name, "")
            case CallArguments(json):
                self._call = replace(self._call, arguments=self._call.arguments + json)
            case CallEnd():
                yield self._line(self._piece("", calls=[_call(self._calls, self._call)]))
                self._calls += 1
            case Logprobs(tokens):
                self._logprobs += tokens
            case Finished():
                yield self._line(self._piece("")) | self._ending(event)

    def end(self) -> Iterator[Object]:
        """The last line is that of `Finished`."""
        yield from ()

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the error."""
        yield envelope(error)

    def whole(self, answers: Sequence[Answer]) -> Object:
        """Returns the object that has the whole answer."""
        [answer] = answers
        self._logprobs = list(answer.logprobs)
        calls = [_call(i, call) for i, call in enumerate(answer.calls)]
        piece = self._piece(answer.text, answer.reasoning, calls)
        return self._line(piece) | self._ending(answer.finished)

    def without_answer(self, reason: Literal["load", "unload"]) -> Object:
        """Returns the object that says that the model has been loaded or unloaded."""
        return self._line(self._piece("")) | {"done": True, "done_reason": reason}

    @abstractmethod
    def _piece(self, text: str, thinking: str = "", calls: Sequence[Json] = ()) -> Object:
        """Returns the fields for a piece of an answer."""

    def _line(self, piece: Object) -> Object:
        tokens, self._logprobs = self._logprobs, []
        logprobs: Object = {"logprobs": [logprob_object(one) for one in tokens]} if tokens else {}
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return {"model": self._model, "created_at": created, **piece, **logprobs, "done": False}

    def _ending(self, finished: Finished) -> Object:
        notes: Object = {"notes": [note.text for note in finished.notes]} if finished.notes else {}
        return {
            "done": True,
            "done_reason": DONE_REASONS[finished.reason],
            "prompt_eval_count": finished.usage.prompt,
            "eval_count": finished.usage.completion,
            **self._durations.until_now(),
            **notes,
        }


class ChatRenderer(OllamaRenderer):
    """Renders the answer to a conversation."""

    def _piece(self, text: str, thinking: str = "", calls: Sequence[Json] = ()) -> Object:
        message: Object = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = list(calls)
        return {"message": message}


class GenerateRenderer(OllamaRenderer):
    """Renders the answer to a prompt, for which there are no tools."""

    def _piece(self, text: str, thinking: str = "", calls: Sequence[Json] = ()) -> Object:
        return {"response": text, "thinking": thinking} if thinking else {"response": text}


def _call(index: int, call: AnsweredCall) -> Object:
    arguments: Json = json.loads(call.arguments)
    function: Object = {"index": index, "name": call.name, "arguments": arguments}
    return {"id": call.id, "function": function}
