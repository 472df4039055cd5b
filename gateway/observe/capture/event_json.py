"""The events of an answer as JSON."""

from __future__ import annotations

from gateway.chat.events import (
    AnswerEvent,
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    Logprobs,
    Reasoning,
    Started,
    Text,
)
from gateway.chat.json import Object


def event_json(event: AnswerEvent) -> Object:
    """Returns an event with its `type`; log-probabilities have none of their own but a count."""
    match event:
        case Text(text):
            return {"type": "text", "text": text}
        case Reasoning(text):
            return {"type": "reasoning", "text": text}
        case CallStart(name, id, probability):
            return {"type": "call_start", "name": name, "id": id, "probability": probability}
        case CallArguments(json):
            return {"type": "call_arguments", "json": json}
        case CallEnd(id):
            return {"type": "call_end", "id": id}
        case Started(prompt_tokens):
            return {"type": "started", "prompt_tokens": prompt_tokens}
        case Logprobs(tokens):
            return {"type": "logprobs", "tokens": len(tokens)}
        case Finished():
            return _finished(event)


def _finished(event: Finished) -> Object:
    usage = event.usage
    return {
        "type": "finished",
        "reason": event.reason.name.lower(),
        "usage": {
            "prompt_tokens": usage.prompt,
            "cached_tokens": usage.cached,
            "completion_tokens": usage.completion,
            "reasoning_tokens": usage.reasoning,
        },
        "notes": [{"kind": note.kind.name.lower(), "text": note.text} for note in event.notes],
        "stop_string": event.stop_string,
        "call_probability": event.call_probability,
    }
