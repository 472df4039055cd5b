"""Random requests of all kinds, for the soak test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.calls import ROOM, WEATHER
from bench.server import user_message

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
TOPICS = ("honey", "chess", "rain", "a fox", "the sea", "Rome", "steel", "a long walk home")
MAX_PATIENCE_S = 0.5

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; the client disconnects after `patience_s` seconds."""

    kind: str
    path: str
    body: Body
    patience_s: float | None = None


def random_request(chance: Random, model: str) -> Ask:
    """A random request to `model`."""
    kind = chance.choice([*KINDS])
    body = {"model": model, **KINDS[kind](chance)}
    path = CHAT if "messages" in body else COMPLETIONS
    return Ask(kind, path, body, chance.uniform(0, MAX_PATIENCE_S) if kind == "hang-up" else None)


def fault_of(ask: Ask, is_success: bool, data: bytes) -> str:
    """The fault of an answer, or an empty string."""
    if ask.body.get("stream") and is_success:
        last = data.rstrip().rpartition(b"data: ")[2]
        return "" if last == b"[DONE]" else _code(last)
    if not is_success:
        return _code(data)
    [choice] = json.loads(data)["choices"]
    if (
        choice["finish_reason"] == "length"
    ):  # a truncated call or JSON is not valid, and not expected to be
        return ""
    if ask.kind == "required":
        return "" if choice["finish_reason"] == "tool_calls" else "no call"
    if ask.kind == "schema":
        return "" if set(json.loads(choice["message"]["content"])) == {"city", "size"} else "schema"
    return "" if choice["finish_reason"] else "no finish_reason"


def _code(data: bytes) -> str:
    error = json.loads(data).get("error", {})
    return str(error.get("code") or error.get("type") or "broke off")


def _topic(chance: Random) -> list[Body]:
    return user_message(f"Tell me about {chance.choice(TOPICS)}.")


def _chat(chance: Random) -> Body:
    return {"messages": _topic(chance), "max_tokens": 8}


def _stream(chance: Random) -> Body:
    return {**_chat(chance), "stream": True}


def _tools(choice: str) -> Callable[[Random], Body]:
    def ask(chance: Random) -> Body:
        message = user_message(f"What is the weather in {chance.choice(TOPICS)}?")
        tools = {"tools": [WEATHER, ROOM], "tool_choice": choice}
        return {"messages": message, **tools, "parallel_tool_calls": False, "max_tokens": 24}

    return ask


def _schema(chance: Random) -> Body:
    properties = {"city": {"enum": ["Rome", "Oslo"]}, "size": {"enum": ["small", "large"]}}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    response_format = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    return {"messages": _topic(chance), "response_format": response_format, "max_tokens": 60}


def _long(chance: Random) -> Body:
    text = f"All of this is about {chance.choice(TOPICS)}. " * chance.randrange(4, 12)
    return {"messages": user_message(text), "max_tokens": 4}


def _completion(chance: Random) -> Body:
    return {"prompt": f"{chance.choice(TOPICS).capitalize()} is", "max_tokens": 8}


KINDS: dict[str, Callable[[Random], Body]] = {
    "chat": _chat,
    "stream": _stream,
    "required": _tools("required"),
    "auto": _tools("auto"),
    "schema": _schema,
    "long": _long,
    "hang-up": lambda chance: {**_stream(chance), "max_tokens": 64},
    "completion": _completion,
}
