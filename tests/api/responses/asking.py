"""Requests for a response, and what clients make of its stream."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes import TOOLS
from tests.grammar.custom.grammars import PATCH

FUNCTIONS: list[dict[str, Any]] = [{"type": "function", **tool["function"]} for tool in TOOLS]
PATCH_TOOL: dict[str, Any] = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": PATCH},
}
FILES: dict[str, Any] = {
    "type": "namespace",
    "name": "files",
    "description": "Reads and writes files.",
    "tools": [
        {
            "type": "function",
            "name": "read",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
        },
        {"type": "custom", "name": "write"},
    ],
}


def asking(**more: Any) -> dict[str, Any]:
    """The body of a request for a response."""
    return {"model": "m", "input": "Hello", **more}


def stream_events(stream: str) -> list[dict[str, Any]]:
    """The events of a stream; each is named by its type."""
    *frames, rest = stream.split("\n\n")
    assert rest == ""
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def accumulated(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output of a response, from the deltas of its stream."""
    items: dict[int, dict[str, Any]] = {}
    done: list[int] = []
    for event in events:
        index = event.get("output_index", -1)
        match event["type"].removeprefix("response."):
            case "output_item.added":
                assert index not in items
                items[index] = event["item"]
            case "output_item.done":
                items[index]["status"] = event["item"]["status"]
                if "encrypted_content" in event["item"]:
                    items[index]["encrypted_content"] = event["item"]["encrypted_content"]
                assert items[index] == event["item"]
                done.append(index)
            case "content_part.added":
                assert event["content_index"] == len(items[index]["content"])
                items[index]["content"].append(event["part"])
            case "reasoning_summary_part.added":
                assert event["summary_index"] == len(items[index]["summary"])
                items[index]["summary"].append(event["part"])
            case "output_text.delta":
                part = items[index]["content"][event["content_index"]]
                part["text"] += event["delta"]
                part["logprobs"] += event["logprobs"]
            case "reasoning_text.delta":
                items[index]["content"][event["content_index"]]["text"] += event["delta"]
            case "reasoning_summary_text.delta":
                items[index]["summary"][event["summary_index"]]["text"] += event["delta"]
            case "function_call_arguments.delta":
                items[index]["arguments"] += event["delta"]
            case "custom_tool_call_input.delta":
                items[index]["input"] += event["delta"]
    return [items[index] for index in done]
