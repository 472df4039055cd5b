"""Input outside of the API's definition that clients send and the gateway accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.engine.generation import Generation
from tests.fakes import TOOLS, Script, chat, gateway, scripted

USER = {"role": "user", "content": "Hello"}

# Every field of a message in openai-python, as its `model_dump` writes it.
SDK_ANSWER = {
    "content": None,
    "refusal": None,
    "role": "assistant",
    "annotations": None,
    "audio": None,
    "function_call": None,
    "tool_calls": None,
}
PLAIN_TOOL = {"type": "function", "function": {"name": "f"}}


def asks(
    id: str, name: str = "get_weather", arguments: Any = '{"city": "Paris"}'
) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def answers(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": text, **more}


async def asked(**body: Any) -> Generation:
    """Returns the generation request that the engine receives for `body`."""
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", json=chat(**body))
    assert answer.status_code == 200, answer.text
    return script.requests[0]


async def prompt(*messages: Any, **body: Any) -> str:
    """Returns the prompt without special tokens."""
    generate = await asked(messages=list(messages), **body)
    return "".join(part for part in generate.prompt if isinstance(part, str))


IGNORED: list[dict[str, Any]] = [
    {"user": "u-1", "metadata": {"a": "b"}, "store": False, "service_tier": "auto"},
    {"safety_identifier": "x", "prompt_cache_key": "y", "verbosity": "low", "unheard_of": [1]},
    {"tools": None, "tool_choice": None, "response_format": None, "stop": None, "n": None},
    {"tools": [], "tool_choice": "none", "stop": [], "modalities": ["text"], "functions": []},
    {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True},
    {"stream": None, "stream_options": None, "logprobs": None, "top_logprobs": None},
    {"temperature": 0, "top_p": 1, "seed": -1, "frequency_penalty": 0, "logit_bias": {}},
    {"response_format": {"type": "text"}, "audio": None, "prediction": None},
    {"reasoning_effort": None, "chat_template_kwargs": {}, "chat_template": None},
    {"reasoning_effort": "high"},
    {"max_tokens": -1, "max_completion_tokens": None},
    {"tools": [PLAIN_TOOL]},
    {"tools": [{"function": {"name": "f"}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": None}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "description": None}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "strict": None}, "x": 1}]},
    {
        "tools": TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "auto",
                "tools": [{"type": "function", "function": {"name": "get_time"}}],
            },
        },
    },
]


@pytest.mark.parametrize("body", IGNORED)
async def test_fields_without_effect_are_accepted(body: dict[str, Any]) -> None:
    await asked(**body)


MESSAGES: list[list[dict[str, Any]]] = [
    [{"role": "user"}],
    [{"role": "user", "content": None}],
    [{"role": "user", "content": []}],
    [{"role": "user", "content": "", "name": "ann"}],
    [{"role": "system", "content": "Be brief."}],
    [{"role": "assistant", "content": "Hello"}],
    [{"role": "tool", "content": "5"}],
    [USER, SDK_ANSWER, USER],
    [USER, {"role": "assistant"}, USER],
    [USER, {"role": "assistant", "content": None, "tool_calls": []}, USER],
    [USER, {"role": "assistant", "content": "x", "refusal": None, "annotations": []}, USER],
    [USER, {**USER, "role": "system"}, USER, USER],
    [USER, {"role": "assistant", "tool_calls": [asks("a"), asks("a")]}, answers("1"), answers("2")],
]


@pytest.mark.diagonal("template", "messages")
@pytest.mark.parametrize("messages", MESSAGES)
@pytest.mark.parametrize("template", sorted(p.stem for p in Path("templates").glob("*.jinja")))
async def test_unusual_conversation_causes_no_server_error(template: str, messages: Any) -> None:
    script = Script([scripted("Hi")])
    async with gateway(script, template=template) as client:
        answer = await client.post("/chat/completions", json=chat(messages=messages))
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or "the chat template rejects" in answer.text


async def test_content_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo", "cache_control": {}}]
    assert await prompt({"role": "user", "content": parts}) == await prompt(USER)


async def test_refusal_part_is_rendered_as_text() -> None:
    said = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    plain = {"role": "assistant", "content": "No."}
    assert await prompt(USER, said, USER) == await prompt(USER, plain, USER)


async def test_developer_role_is_rendered_as_system() -> None:
    rule = {"role": "developer", "content": "Be brief."}
    assert await prompt(rule, USER) == await prompt({**rule, "role": "system"}, USER)


async def test_max_completion_tokens_equals_max_tokens() -> None:
    assert (await asked(max_tokens=5)).max_tokens == 5
    assert (await asked(max_completion_tokens=5)).max_tokens == 5
    assert (await asked()).max_tokens is None


ARGUMENTS = [
    ('{"city": "Paris"}', '{"city": "Paris"}'),
    ({"city": "Paris"}, '{"city": "Paris"}'),
    ('{"city":"日本"}', '{"city": "日本"}'),
    ("{}", "{}"),
    ("", "{}"),
    (" ", "{}"),
    (None, "{}"),
    ("null", "{}"),
    ('{"city": "Par', '{"malformed": "{\\"city\\": \\"Par"}'),
    ("Paris", '{"malformed": "Paris"}'),
    ('["Paris"]', '{"malformed": "[\\"Paris\\"]"}'),
    ('{"a": NaN}', '{"malformed": "{\\"a\\": NaN}"}'),
    ('{"a": 1e999}', '{"malformed": "{\\"a\\": 1e999}"}'),
    ('{"a": "\\ud800"}', '{"a": "\ufffd"}'),
    (5, '{"malformed": 5}'),
    (["Paris"], '{"malformed": ["Paris"]}'),
]


@pytest.mark.parametrize(("arguments", "shown"), ARGUMENTS)
async def test_malformed_arguments_of_earlier_calls_are_rendered(
    arguments: Any, shown: str
) -> None:
    reply = {"role": "assistant", "tool_calls": [asks("a", arguments=arguments)]}
    assert f'"arguments": {shown}}}' in await prompt(USER, reply, answers("1", tool_call_id="a"))


@pytest.mark.parametrize("depth", [100, 100_000])
async def test_deeply_nested_arguments_are_rendered_as_text(depth: int) -> None:
    deep = '{"a": ' * depth + "1" + "}" * depth
    reply = {"role": "assistant", "tool_calls": [asks("a", arguments=deep)]}
    assert '{"malformed": "{' in await prompt(USER, reply)


TWO = {"role": "assistant", "content": None, "tool_calls": [asks("a"), asks("b", "get_time")]}
PAIRED = [answers("sun", tool_call_id="a"), answers("noon", tool_call_id="b")]


@pytest.mark.parametrize(
    "results",
    [
        [answers("noon", tool_call_id="b"), answers("sun", tool_call_id="a")],
        [answers("sun"), answers("noon")],
        [answers("noon", name="get_time"), answers("sun", name="get_weather")],
        [answers("noon", name="get_time"), answers("sun")],
        [answers("noon", tool_call_id="b"), answers("sun")],
        [answers("sun", tool_call_id=None), answers("noon", tool_call_id="", name=None)],
    ],
)
async def test_results_are_matched_to_their_calls(results: list[Any]) -> None:
    assert await prompt(USER, TWO, *results) == await prompt(USER, TWO, *PAIRED)


async def test_result_without_a_call_is_rendered() -> None:
    assert "<tool_response>\nrain\n" in await prompt(USER, answers("rain", tool_call_id="z"))
    said = await prompt(USER, TWO, *PAIRED, answers("hail", tool_call_id="z"))
    assert said.index("sun") < said.index("noon") < said.index("hail")


async def test_call_without_a_result_is_rendered() -> None:
    said = await prompt(USER, TWO, PAIRED[1], USER)
    assert "get_weather" in said
    assert "noon" in said


async def test_tool_call_accepts_calls_as_json_strings() -> None:
    encoded = [json.dumps(call) for call in TWO["tool_calls"]]  # type: ignore[union-attr]
    odd = {"role": "assistant", "content": "", "tool_call": encoded}
    assert await prompt(USER, odd, *PAIRED) == await prompt(USER, TWO, *PAIRED)


CUT = [  # JSON of a text, and how the text is read
    (r"snow \ud83d", "snow \ufffd"),
    (r"\udc00\udc00 snow", "\ufffd\ufffd snow"),
    (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    (r"\\ud83d \uD83D", "\\ud83d \ufffd"),
    (r"\ud83d\\ude00", "\ufffd\\ude00"),
]


@pytest.mark.parametrize(("cut", "read"), CUT)
async def test_a_lone_surrogate_becomes_a_replacement_character(cut: str, read: str) -> None:
    reply = {"role": "assistant", "tool_calls": [asks("a")]}
    result = answers("CUT", tool_call_id="a")
    body = json.dumps(chat(messages=[USER, reply, result, USER])).replace("CUT", cut)
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", content=body.encode())
    assert answer.status_code == 200, answer.text
    assert read in "".join(one for one in script.requests[0].prompt if isinstance(one, str))
