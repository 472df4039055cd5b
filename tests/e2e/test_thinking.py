"""The thinking budget of a request or an entry ends the reasoning of a model that never stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import TypeAdapter

from tests import reciters
from tests.e2e.conftest import REPO, serving, unused_port
from tests.e2e.tools import WEATHER, bounded, checked
from tests.fakes import events
from tests.reciters import recited

pytestmark = pytest.mark.model

OPENS = "{{ '<think>\\n' if add_generation_prompt }}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a model that neither closes the thought of its template nor ends its answer."""
    folder = tmp_path_factory.mktemp("thinking")
    (folder / "templates").mkdir()
    template = (REPO / "templates" / "smollm2.jinja").read_text()
    (folder / "templates" / "thinks.jinja").write_text(template + OPENS)
    thinker = reciters.entry(
        reciters.endless(folder),
        template="thinks",
        format="qwen3",
        context=2048,
        thinking_budget=30,
    )
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": {"thinker": thinker}}))
    port = unused_port()
    url = f"http://127.0.0.1:{port}/v1"
    with serving(folder, port), httpx.Client(base_url=url, timeout=120) as client:
        yield client


def body(**more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    return {"model": "thinker", "messages": messages, "max_tokens": 120, **more}


def ask(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/chat/completions", json=body(**more))
    assert answer.status_code == 200, answer.text
    completion: dict[str, Any] = answer.json()
    return completion


TOOL = bounded(WEATHER, 40)
CALLS = {
    "tools": [TOOL],
    "parallel_tool_calls": False,
    "tool_choice": "required",
    "max_tokens": 400,
}


def test_budget_of_the_entry_closes_a_thought(client: httpx.Client) -> None:
    [choice] = ask(client)["choices"]
    assert choice["notes"] == ["the thinking budget of 30 tokens was used up"]
    assert choice["message"]["reasoning_content"] == recited(30)
    assert choice["message"]["content"].startswith(recited())


def test_request_can_remove_the_budget(client: httpx.Client) -> None:
    [choice] = ask(client, thinking_budget=-1)["choices"]
    assert "notes" not in choice
    assert len(choice["message"]["reasoning_content"]) > 100


def test_budget_of_zero_prevents_thinking(client: httpx.Client) -> None:
    answer = ask(client, thinking_budget=0)
    assert "reasoning_content" not in answer["choices"][0]["message"]
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize("budget", [0, 2, 7, 25])
def test_required_call_follows_a_thought_of_any_length(client: httpx.Client, budget: int) -> None:
    [choice] = ask(client, thinking_budget=budget, **CALLS)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["notes"] == [f"the thinking budget of {budget} tokens was used up"]
    assert ("reasoning_content" in choice["message"]) is (budget > 1)
    for call in choice["message"]["tool_calls"]:
        read = TypeAdapter(ChatCompletionMessageFunctionToolCall).validate_python(call)
        assert checked(TOOL, read)


@pytest.mark.parametrize("more", [{}, CALLS], ids=["plain", "required"])
def test_joined_stream_equals_the_completion(client: httpx.Client, more: dict[str, Any]) -> None:
    ask(client, **more)  # both later requests find the same cached prompt
    whole = ask(client, thinking_budget=9, **more)["choices"][0]
    stream = client.post("/chat/completions", json=body(thinking_budget=9, stream=True, **more))
    said = {"reasoning_content": "", "content": "", "arguments": ""}
    for delta in (chunk["choices"][0]["delta"] for chunk in events(stream.text)):
        for call in delta.get("tool_calls", ()):
            said["arguments"] += call["function"]["arguments"]
        for key in ("reasoning_content", "content"):
            said[key] += delta.get(key) or ""
    message = whole["message"]
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls", ())]
    assert said == {
        "reasoning_content": message["reasoning_content"],
        "content": message["content"] or "",
        "arguments": "".join(arguments),
    }
    assert events(stream.text)[-1]["choices"][0]["notes"] == whole["notes"]


def test_inserted_tokens_are_in_the_logprobs_and_the_usage(client: httpx.Client) -> None:
    answer = ask(client, thinking_budget=6, logprobs=True)
    [choice] = answer["choices"]
    tokens = [one["token"] for one in choice["logprobs"]["content"]]
    assert "".join(tokens[:6]).strip() == choice["message"]["reasoning_content"]
    assert "".join(tokens[6:]).startswith("\n</think>\n\n")
    assert answer["usage"]["completion_tokens"] == len(tokens)


def test_max_tokens_below_the_budget_ends_the_answer(client: httpx.Client) -> None:
    [choice] = ask(client, thinking_budget=50, max_tokens=20)["choices"]
    assert choice["finish_reason"] == "length"
    assert "notes" not in choice
