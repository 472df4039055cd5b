"""Captures of a real worker: its tokens, and its answers read again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.fakes import TOOLS, chat

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
UNICODE = [{"role": "user", "content": "Repeat: Grüße, 世界! 🙂"}]


def captured(server: str, **body: Any) -> Any:
    """The capture of a request."""
    with httpx.Client(base_url=server, timeout=120) as http:
        answer = http.post(CHAT, json=chat(**{"model": "smollm2", "max_tokens": 40, **body}))
        assert answer.status_code == 200, answer.text
        return http.get(f"/captures/{answer.headers['x-request-id']}").json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": UNICODE},
        {"tools": TOOLS, "tool_choice": "required", "stream": True},
        {"tools": TOOLS, "tool_choice": "required", "tool_call_probability": True},
        {"n": 2, "temperature": 1, "seed": 3},
        {"model": "calling", "tools": TOOLS},
    ],
    ids=str,
)
def test_tokens_add_up_and_the_text_is_read_again(
    body: dict[str, Any], server: str, tmp_path: Path
) -> None:
    found = captured(server, **body)
    for attempt in found["attempts"]:
        tokens = attempt["tokens"]
        written = "".join(token["text"] for token in tokens)
        assert attempt["raw"] in (written, f"{written}\ufffd")  # it may end within a character
        assert all(0 < token["probability"] <= 1 for token in tokens if not token["forced"])
        assert attempt["prompt"][0] == {"text": "<|im_start|>", "special": True, "id": 1}
    ends = [event for event in found["events"] if event["type"] == "finished"]
    counts = [event["usage"]["completion_tokens"] for event in ends]
    assert sorted(counts) == sorted(len(attempt["tokens"]) for attempt in found["attempts"])
    assert sum(counts) == found["timings"]["tokens"]
    file = tmp_path / "capture.json"
    file.write_text(json.dumps(found))
    result = CliRunner().invoke(app, ["replay", str(file)])
    assert (result.exit_code, result.output.count("OK")) == (0, 1), result.output


def test_the_model_gives_the_same_answer_again(server: str, tmp_path: Path) -> None:
    file = tmp_path / "capture.json"
    file.write_text(json.dumps(captured(server, tools=TOOLS, tool_choice="required")))
    result = CliRunner().invoke(app, ["replay", "--ask", "--url", server, str(file)])
    assert (result.exit_code, result.output.count("OK")) == (0, 1), result.output


def test_probabilities_are_those_of_logprobs(server: str) -> None:
    body = {"logprobs": True, "temperature": 0}
    with httpx.Client(base_url=server, timeout=120) as http:
        answer = http.post(CHAT, json=chat(model="smollm2", max_tokens=8, **body))
        found = http.get(f"/captures/{answer.headers['x-request-id']}").json()
    [choice] = answer.json()["choices"]
    logprobs = [token["logprob"] for token in choice["logprobs"]["content"]]
    [attempt] = found["attempts"]
    written = [token["probability"] for token in attempt["tokens"]]
    assert written == pytest.approx([math.exp(logprob) for logprob in logprobs], rel=1e-4)
