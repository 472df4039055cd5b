"""Bodies of Messages requests, and the events of a stream."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes import TOOL_NAMES

TOOLS: list[dict[str, Any]] = [
    {
        "name": name,
        "description": f"What {name} does.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
    for name in TOOL_NAMES
]
THINKING = {"type": "enabled", "budget_tokens": 2000}


def body(**more: Any) -> dict[str, Any]:
    """The body of a Messages request."""
    question = {"role": "user", "content": "Hello"}
    return {"model": "m", "max_tokens": 100, "messages": [question], **more}


def events(stream: str) -> list[dict[str, Any]]:
    """The events of a stream, each of which is named by its type; without pings."""
    *blocks, rest = stream.split("\n\n")
    assert rest == ""
    found = []
    for block in blocks:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return [event for event in found if event["type"] != "ping"]


def message_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Accumulates a stream as the SDKs do; checks that blocks come one at a time, in order."""
    start, *rest, stop = events
    assert (start["type"], stop["type"]) == ("message_start", "message_stop")
    message, inputs, is_open = dict(start["message"]), "", False
    for event in rest:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == len(message["content"])
                message["content"] = [*message["content"], dict(event["content_block"])]
                inputs, is_open = "", True
            case "content_block_delta":
                assert is_open
                assert event["index"] == len(message["content"]) - 1
                block, delta = message["content"][-1], event["delta"]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] += delta["signature"]
                    case "input_json_delta":
                        inputs += delta["partial_json"]
                        block["input"] = inputs
            case "content_block_stop":
                assert is_open
                block = message["content"][-1]
                if block["type"] == "tool_use":
                    block["input"] = json.loads(inputs)
                is_open = False
            case "message_delta":
                assert not is_open
                assert event is rest[-1]
                message |= {**event["delta"], "usage": event["usage"]}
                message |= {"notes": event["notes"]} if "notes" in event else {}
    return message
