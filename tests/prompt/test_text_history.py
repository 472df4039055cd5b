"""A turn that comes back unchanged is in the next prompt as the model generated it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from gateway.chat.messages import Call, Turn
from gateway.engine.generation import Generation
from gateway.prompt.text_history import TextHistory, WrittenTurn
from tests.fakes import SPECIAL, TOOLS, Script, chat, events, gateway, scripted

TEXTS = {number: text for text, number in SPECIAL.items()}
ARGUMENTS = '{"city":  "Z\\u00fcrich\\/", "x": 1.50, "y": 1E5, "e": { }, "n": [-0, {"a":[]}]}'
JSON_CALL = f'<tool_call>\n{{"name": "get_weather", "arguments": {ARGUMENTS}}}\n</tool_call>'
TAGS = "<tool_call>\n<function=get_weather>\n{}</function>\n</tool_call>"
MISTRAL = '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "x"}, "id": "abcDEF123"}]'

WRITTEN = [
    ("hermes", JSON_CALL),
    ("hermes", f"Well.\n\n\n{JSON_CALL}\n"),
    ("hermes", " Rain. \n"),
    ("qwen3", f"<think>\n\n It is late.</think>\n{JSON_CALL}"),
    ("qwen3", "<think>\n\n</think>\n\nRain."),
    ("qwen_coder", TAGS.format("<parameter=x>\n1E5\n</parameter>\n")),
    ("qwen_coder", TAGS.format("<parameter=city>Paris</parameter>")),
    ("llama4", '[get_weather( city = "Paris", x=1.50 )]'),
    ("mistral_spm", MISTRAL),
]


def shown(asked: Generation) -> str:
    return "".join(TEXTS[part] if isinstance(part, int) else part for part in asked.prompt)


async def prompts(
    format: str, written: str, *, stream: bool = False, change: Any = None
) -> tuple[str, str]:
    """The prompt that `written` answers, and the next prompt."""
    script = Script([scripted(written), scripted("Bye")])
    messages: list[dict[str, Any]] = [*chat()["messages"]]
    async with gateway(script, format=format) as client:
        body = chat(messages=messages, tools=TOOLS, stream=stream)
        answer = await client.post("/chat/completions", json=body)
        message = added_up(answer.text) if stream else answer.json()["choices"][0]["message"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "rain"}
            for call in message.get("tool_calls", ())
        ]
        message = change(deepcopy(message)) if change else message
        more = results or [{"role": "user", "content": "Thanks"}]
        await client.post(
            "/chat/completions", json=chat(messages=[*messages, message, *more], tools=TOOLS)
        )
    first, second = map(shown, script.requests)
    return first, second


def added_up(stream: str) -> dict[str, Any]:
    """The message that a client builds from a stream."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for event in events(stream):
        delta = event["choices"][0]["delta"]
        for key in {"content", "reasoning_content"} & {*delta}:
            message[key] = message.get(key, "") + (delta[key] or "")
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                message["tool_calls"].append(call)
            else:
                function = message["tool_calls"][call["index"]]["function"]
                function["arguments"] += call["function"]["arguments"]
    return message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("format", "written"), WRITTEN)
async def test_an_unchanged_turn_is_in_the_prompt_as_generated(
    format: str, written: str, stream: bool
) -> None:
    first, second = await prompts(format, written, stream=stream)
    assert second.startswith(f"{first}{written}<|im_end|>")


async def test_a_changed_turn_is_written_by_the_format() -> None:
    def change(message: dict[str, Any]) -> dict[str, Any]:
        message["tool_calls"][0]["function"]["arguments"] = '{"city":"Rome","x":1.50}'
        return message

    _, second = await prompts("hermes", JSON_CALL, change=change)
    assert '"arguments": {"city": "Rome", "x": 1.5}}\n</tool_call><|im_end|>' in second


async def test_a_turn_that_comes_back_without_reasoning_has_none() -> None:
    def change(message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "reasoning_content": None}

    _, second = await prompts("qwen3", "<think>\n\nHm. </think>Rain.", change=change)
    assert "assistant\nRain.<|im_end|>" in second


async def test_text_like_a_special_token_in_a_turn_stays_text() -> None:
    script = Script([scripted("a <|im_end|> b\n"), scripted("Bye")])
    told = {"role": "assistant", "content": "a <|im_end|> b\n"}
    thanks = {"role": "user", "content": "Thanks"}
    async with gateway(script) as client:
        await client.post("/chat/completions", json=chat())
        messages = [*chat()["messages"], told, thanks]
        await client.post("/chat/completions", json=chat(messages=messages))
    ends = [asked.prompt.count(SPECIAL["<|im_end|>"]) for asked in script.requests]
    assert ends == [2, 4]


# -- in the text of a prompt


def again(prompt: str, canonical: str = "[1]", before: str = "Q\nA:") -> str:
    return WrittenTurn(len(before), before, "[1.0]", {}).restore(prompt, canonical)


def test_a_turn_is_restored_where_its_prompt_ended() -> None:
    assert again("Q\nA:[1] [1]") == "Q\nA:[1.0] [1]"


def test_white_space_before_an_earlier_turn_is_left_out() -> None:
    assert again("Q\n\nA: [1].") == "Q\nA:[1.0]."


def test_a_turn_in_another_place_or_form_is_not_restored() -> None:
    for prompt in ("Q\nA:{1}", "Q\nA:", "Q\nB: [1]", "Q\nA:so [1]", "[1]"):
        assert again(prompt) == prompt
    assert again("Q\nA:[1]", "") == "Q\nA:[1]"


def test_a_turn_is_found_only_if_all_of_it_is_the_same() -> None:
    history, call = TextHistory(), Call("f", {"a": 1}, "call_1")
    history.record(Turn("a", "b", (call,)), WrittenTurn(0, "", "x", {}))
    others = [
        Turn("a", "b"),
        Turn("a", "", (call,)),
        Turn("a", "b", (Call("f", {"a": 1}, "call_2"),)),
        Turn("a", "b", (Call("f", {"a": 1.0}, "call_1"),)),
    ]
    found = history.find([Turn("a", "b", (call,)), *others])
    assert [bool(one) for one in found] == [True, False, False, False, False]
