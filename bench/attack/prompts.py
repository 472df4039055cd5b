"""Prompts, histories and settings that are expensive to read, to render, to tokenize or to draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.attack.attack import chat, request
from bench.server import user_message

LARGE = 8 * 2**20 - 2**12  # almost the largest body
TOO_LONG = "400 context_length_exceeded"
MOST = 2**15  # characters that may fit a context of 4096 tokens
COMPLETIONS, TOKENIZE = "/v1/completions", "/tokenize"


def _says(text: str) -> dict[str, Any]:
    return {"messages": user_message(text)}


def _repeats(text: str, size: int) -> Callable[[], dict[str, Any]]:
    return lambda: _says(text * (size // len(text)))


def _calls(count: int, arguments: str) -> dict[str, Any]:
    """A history with an answer of `count` calls."""
    calls = [
        {"id": f"c{i}", "type": "function", "function": {"name": "go", "arguments": arguments}}
        for i in range(count)
    ]
    results = [{"role": "tool", "tool_call_id": f"c{i}", "content": "ok"} for i in range(count)]
    answer = {"role": "assistant", "content": None, "tool_calls": calls}
    return {"messages": [*user_message("Go."), answer, *results]}


PROMPTS = (
    *(
        chat(f"8 MB of {name}", TOO_LONG, _repeats(text, LARGE))
        for name, text in {
            "spaces": " ",
            "`<`": "<",
            "letters": "a",
            "markers": "<|im_start|>",
            "words": "the end of it ",
        }.items()
    ),
    *(
        chat(
            f"32 KB of {name}",
            f"200, {TOO_LONG}",
            _repeats(text, MOST),
        )
        for name, text in {
            "spaces": " ",
            "`<`": "<",
            "letters": "a",
            "markers": "<|im_start|>",
            "newlines": "\n",
        }.items()
    ),
    request(
        "8 MB to /tokenize",
        TOO_LONG,
        lambda: json.dumps({"model": "m", "content": "< " * (LARGE // 2)}).encode(),
        TOKENIZE,
    ),
    request(
        "a prompt of 2,000,000 tokens",
        "400 invalid_request_error",
        lambda: json.dumps({"model": "m", "prompt": [1] * 2_000_000}).encode(),
        COMPLETIONS,
    ),
    chat("4,096 messages", f"200, {TOO_LONG}", lambda: {"messages": user_message("a") * 4096}),
    chat(
        "200,000 messages",
        "400 invalid_request_error",
        lambda: {"messages": user_message("a") * 200_000},
    ),
    chat("4,000 calls in an answer", f"200, {TOO_LONG}", lambda: _calls(4000, "{}")),
    chat("arguments of 4 MB", TOO_LONG, lambda: _calls(1, json.dumps({"a": "x" * 2**22}))),
    chat(
        "arguments that are 4 MB of brackets",
        f"{TOO_LONG}, 400 invalid_request_error",
        lambda: _calls(1, "[" * 2**22),
    ),
    chat(
        "200,000 unknown fields",
        "200, 400 invalid_request_error",
        lambda: {f"field_{i}": None for i in range(200_000)},
    ),
    request(
        "brackets nested 4,000,000 deep",
        "400 invalid_request_error",
        lambda: b'{"model": "m", "messages": ' + b"[" * (LARGE - 100),
    ),
    request(
        "a number of 4,000,000 digits",
        "400 invalid_request_error",
        lambda: b'{"model": "m", "messages": [], "seed": ' + b"9" * 4_000_000 + b"}",
    ),
    request(
        "2,000,000 lone surrogates",
        f"200, {TOO_LONG}, 400 invalid_request_error",
        lambda: (
            b'{"model": "m", "messages": [{"role": "user", "content": "'
            + rb"\ud800" * 1_300_000
            + b'"}]}'
        ),
    ),
    chat(
        "16 stop strings of 1,000 characters",
        "200",
        lambda: {"stop": ["a" * 999 + chr(98 + i) for i in range(16)], "max_tokens": 200},
    ),
    chat(
        "50,000 entries of logit_bias",
        "400 invalid_request_error",
        lambda: {"logit_bias": {str(i): -100 for i in range(50_000)}},
    ),
    chat(
        "16 answers with 20 log-probabilities",
        "200",
        lambda: {"n": 16, "logprobs": True, "top_logprobs": 20, "max_tokens": 16},
    ),
)
