"""Renders events as the Anthropic API does: the events of a stream, or one message.

Sources: https://docs.anthropic.com/en/docs/build-with-claude/streaming and
https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum

from gateway.api import sse
from gateway.api.anthropic.call_ids import to_client
from gateway.api.anthropic.errors import envelope
from gateway.api.framing import NAMED_EVENTS
from gateway.api.signing import Signer
from gateway.chat.events import (
    Answer,
    AnsweredCall,
    AnswerEvent,
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    FinishReason,
    Reasoning,
    Started,
    Text,
    Usage,
)
from gateway.chat.json import Json, Object
from gateway.errors import GatewayError

FRAMING = replace(NAMED_EVENTS, keep_alive=sse.event({"type": "ping"}, "ping"))

STOP_REASONS = {
    FinishReason.STOP: "end_turn",
    FinishReason.STOP_STRING: "stop_sequence",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
}


class Thoughts(Enum):
    """What a client gets of the thoughts."""

    SHOWN = "their text"
    OMITTED = "a signature only"
    NONE = "nothing"


class MessagesRenderer:
    """Renders the answer to one Messages request.

    The signature of a thinking block holds the thought, so that it survives a client that is not
    shown its text.
    `counts_cached` counts cached tokens of the prompt by themselves, for a client that marks what
    to cache; otherwise they are input like any other. `notes` are those on the request.
    """

    def __init__(
        self,
        model: str,
        thoughts: Thoughts,
        signer: Signer,
        *,
        counts_cached: bool = False,
        notes: Sequence[str] = (),
    ):
        self._id = f"msg_{secrets.token_hex(12)}"
        self._model = model
        self._thoughts = thoughts
        self._signer = signer
        self._counts_cached = counts_cached
        self._notes = notes
        self._blocks = 0
        self._open = ""  # the type of the block that has begun
        self._thought = ""

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        """Yields the events that an event of the answer becomes; `index` is always 0."""
        match event:
            case Started(prompt_tokens):
                usage = self._usage(Usage(prompt=prompt_tokens))
                yield {"type": "message_start", "message": self._message([], usage)}
            case Text(text):
                yield from self._enter("text", {"text": ""})
                yield self._delta({"type": "text_delta", "text": text})
            case Reasoning() if self._thoughts is Thoughts.NONE:
                pass
            case Reasoning(text):
                yield from self._enter("thinking", {"thinking": "", "signature": ""})
                self._thought += text
                if self._thoughts is Thoughts.SHOWN:
                    yield self._delta({"type": "thinking_delta", "thinking": text})
            case CallStart(name, id):
                yield from self._leave()
                block: Object = {"id": to_client(id), "name": name, "input": {}}
                yield from self._enter("tool_use", block)
            case CallArguments(json):
                yield self._delta({"type": "input_json_delta", "partial_json": json})
            case CallEnd():
                yield from self._leave()
            case Finished():
                yield from self._leave()
                yield {
                    "type": "message_delta",
                    "delta": _stop(event),
                    "usage": self._usage(event.usage),
                    **self._remarks(event),
                }

    def end(self) -> Iterator[Object]:
        """Yields the last event."""
        yield {"type": "message_stop"}

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the error."""
        yield envelope(error)

    def whole(self, answers: Sequence[Answer]) -> Object:
        """Returns the message that has the whole answer."""
        [answer] = answers
        content: list[Json] = []
        if answer.reasoning and self._thoughts is not Thoughts.NONE:
            shown = answer.reasoning if self._thoughts is Thoughts.SHOWN else ""
            signature = self._signer.signed(answer.reasoning)
            content.append({"type": "thinking", "thinking": shown, "signature": signature})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        content += [_tool_use(call) for call in answer.calls]
        end = answer.finished
        return self._message(content, self._usage(end.usage)) | _stop(end) | self._remarks(end)

    # -- blocks

    def _enter(self, kind: str, fields: Object) -> Iterator[Object]:
        """Begins a block of type `kind`, unless one is open."""
        if self._open == kind:
            return
        yield from self._leave()
        self._open = kind
        block: Object = {"type": kind, **fields}
        yield {"type": "content_block_start", "index": self._blocks, "content_block": block}

    def _leave(self) -> Iterator[Object]:
        """Ends the block that is open, if any."""
        if not self._open:
            return
        if self._open == "thinking":
            signature = self._signer.signed(self._thought)
            yield self._delta({"type": "signature_delta", "signature": signature})
            self._thought = ""
        yield {"type": "content_block_stop", "index": self._blocks}
        self._open = ""
        self._blocks += 1

    def _delta(self, delta: Object) -> Object:
        return {"type": "content_block_delta", "index": self._blocks, "delta": delta}

    # -- the message

    def _message(self, content: list[Json], usage: Object) -> Object:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }

    def _remarks(self, finished: Finished) -> Object:
        notes: list[Json] = [*self._notes, *(note.text for note in finished.notes)]
        return {"notes": notes} if notes else {}

    def _usage(self, usage: Usage) -> Object:
        cached = usage.cached if self._counts_cached else 0
        return {
            "input_tokens": usage.prompt - cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": usage.completion,
            "output_tokens_details": {"thinking_tokens": usage.reasoning},
        }


def _tool_use(call: AnsweredCall) -> Object:
    arguments: Json = json.loads(call.arguments)
    return {"type": "tool_use", "id": to_client(call.id), "name": call.name, "input": arguments}


def _stop(finished: Finished) -> Object:
    return {"stop_reason": STOP_REASONS[finished.reason], "stop_sequence": finished.stop_string}
