"""A body of the Anthropic API becomes the request that it means."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.anthropic.body import MessagesBody
from gateway.api.anthropic.request import left_out, to_request
from gateway.api.body import read_as
from gateway.api.signing import Signer
from gateway.chat.json import json_text
from gateway.chat.messages import Call, Message, Result, Speech, Turn
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.errors import BadRequest
from tests.api.anthropic.bodies import THINKING, TOOLS, body
from tests.fakes import TOOL_NAMES

SIGNER = Signer()
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def request(budget: int | None = None, **more: Any) -> Request:
    read = read_as(MessagesBody, json_text(body(**more)).encode(), "the body")
    return to_request(read, SIGNER, Sampling(), budget)


def messages(*given: dict[str, Any], **more: Any) -> tuple[Message, ...]:
    return request(messages=list(given), **more).messages


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def result(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **more}


SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
HELLO = {"role": "user", "content": "Hello"}


# -- messages


def test_system_is_text_or_blocks() -> None:
    assert messages(HELLO, system="Be kind.")[0] == Speech("system", "Be kind.")
    blocks = [text("Be kind."), text("Be brief.")]
    assert messages(HELLO, system=blocks)[0] == Speech("system", "Be kind.\n\nBe brief.")
    assert messages(HELLO, system=[]) == (Speech("user", "Hello"),)


def test_the_billing_line_of_claude_code_is_not_in_the_prompt() -> None:
    blocks = [text("x-anthropic-billing-header: cc_version=2.1; cch=1f;"), text("Be kind.")]
    assert messages(HELLO, system=blocks)[0] == Speech("system", "Be kind.")


def test_system_messages_stay_in_their_place() -> None:
    later = {"role": "system", "content": [text("Now French.")]}
    assert messages(HELLO, later, HELLO)[1] == Speech("system", "Now French.")


def test_blocks_of_a_user_are_paragraphs() -> None:
    assert messages(user(text("One."), text("Two."))) == (Speech("user", "One.\n\nTwo."),)


@pytest.mark.parametrize("content", ["", []])
def test_a_user_may_say_nothing(content: Any) -> None:
    assert messages({"role": "user", "content": content}) == (Speech("user", ""),)


def test_results_come_before_what_the_user_says() -> None:
    assert messages(user(text("Go on."), result("sunny"))) == (
        Result("sunny", "call_1"),
        Speech("user", "Go on."),
    )


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("sunny", "sunny"),
        ([text("sunny"), text("warm")], "sunny\n\nwarm"),
        ([], ""),
        (None, ""),
        ([{"type": "document", "source": {"type": "text", "data": "sunny"}}], "sunny"),
    ],
)
def test_a_result_is_text_or_blocks(content: Any, shown: str) -> None:
    assert messages(user(result(content))) == (Result(shown, "call_1"),)


def test_a_failed_result_says_so() -> None:
    assert messages(user(result("no such city", is_error=True))) == (
        Result("Error: no such city", "call_1"),
    )
    assert messages(user(result("<error>no such city", is_error=True))) == (
        Result("<error>no such city", "call_1"),
    )


def test_an_assistant_turn_has_thoughts_text_and_calls() -> None:
    turn = {
        "role": "assistant",
        "content": [
            {"type": "redacted_thinking", "data": "abc"},
            {"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}},
            {"type": "thinking", "thinking": "Hm.", "signature": "another server's"},
            text("Let me "),
            text("look."),
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "my id", "name": "g"},
        ],
    }
    assert messages(HELLO, turn, user(result("1")))[1] == Turn(
        "Let me look.", "Hm.", (Call("f", {"a": 1}, "call_1"), Call("g", {}, "my id"))
    )


@pytest.mark.parametrize("thought", ["Hm.", "日本 🙂\n", "\ud800"])
def test_a_thought_survives_in_its_signature(thought: str) -> None:
    block = {"type": "thinking", "thinking": "", "signature": SIGNER.signed(thought)}
    turn = {"role": "assistant", "content": [block]}
    assert messages(HELLO, turn, HELLO)[1] == Turn("", thought)


@pytest.mark.parametrize("kind", ["base64", "url", "file"])
@pytest.mark.parametrize("type", ["image", "document"])
def test_images_and_files_are_refused(type: str, kind: str) -> None:
    block = {"type": type, "source": {"type": kind, "url": "http://a"}}
    for content in ([block], [result([block])]):
        with pytest.raises(BadRequest, match=r"messages\.0\.content\.0.*read text only"):
            messages(user(*content))


def test_an_answer_can_not_be_begun_by_the_client() -> None:
    with pytest.raises(BadRequest, match="the last message is the assistant's"):
        messages(HELLO, {"role": "assistant", "content": "{"})


def test_blocks_that_are_left_out_have_a_note() -> None:
    block = {"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}}
    turn = {"role": "assistant", "content": [block, block, text("Hi.")]}
    given = body(messages=[HELLO, turn, HELLO])
    read = read_as(MessagesBody, json_text(given).encode(), "the body")
    assert left_out(read) == ["left out: blocks of the type 'server_tool_use'"]


# -- tools


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice(TOOL_NAMES)),
        ({"type": "auto"}, ToolChoice(TOOL_NAMES)),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            ToolChoice(TOOL_NAMES, parallel=False),
        ),
        ({"type": "any"}, ToolChoice(TOOL_NAMES, required=True)),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            ToolChoice(TOOL_NAMES, required=True, parallel=False),
        ),
        (
            {"type": "tool", "name": "get_time"},
            ToolChoice(("get_time",), required=True, parallel=False),
        ),
        ({"type": "none"}, ToolChoice()),
    ],
)
def test_tool_choice(choice: dict[str, Any] | None, expected: ToolChoice) -> None:
    asked = request(tools=TOOLS, tool_choice=choice)
    assert asked.tool_choice == expected
    assert len(asked.tools) == (0 if expected == ToolChoice() else 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tool_choice": {"type": "any"}},
        {"tool_choice": {"type": "tool", "name": "f"}, "tools": TOOLS},
        {"tools": [{"name": "not a name", "input_schema": {}}]},
        {"tools": [{"name": "f", "input_schema": {"type": "string"}}]},
        {"tools": [{"name": "f", "input_schema": {"type": "nonsense"}}]},
        {"tools": [TOOLS[0], TOOLS[0]]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [TOOLS[0], {"type": "bash_20250124", "name": "bash"}]},
        {"tools": [TOOLS[0], SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}},
        {"mcp_servers": [{"type": "url", "url": "http://a", "name": "a"}]},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "nonsense"}}}},
        {"thinking": {"type": "sometimes"}},
        {"max_tokens": 0},
        {"messages": []},
        {"messages": [{"role": "assistant", "content": [{"text": "no type"}]}, HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "server_tool_use"}]}]},
    ],
)
def test_what_can_not_be_held_to_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        request(**wrong)


def test_tools_of_anthropics_servers_are_left_out_beside_others() -> None:
    assert [tool.name for tool in request(tools=[SEARCH, *TOOLS]).tools] == [*TOOL_NAMES]


# -- the rest


@pytest.mark.parametrize(
    ("given", "effort", "budget"),
    [
        ({}, "none", 7),
        ({"thinking": {"type": "disabled"}}, "none", 7),
        ({"thinking": THINKING}, "high", 2000),
        ({"thinking": {"type": "enabled"}}, "high", 7),
        ({"thinking": {"type": "adaptive"}}, "high", 7),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low", 7),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "high", 7),
        ({"output_config": {"effort": "low"}}, "none", 7),
    ],
)
def test_thinking(given: dict[str, Any], effort: str, budget: int) -> None:
    asked = request(7, **given)
    assert asked.template_variables == {"reasoning_effort": effort}
    assert asked.thinking_budget == budget


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_an_answer_may_have_a_schema(field: str) -> None:
    format = {"type": "json_schema", "schema": SCHEMA}
    given: Any = {"format": format} if field == "output_config" else format
    assert request(**{field: given}).response_schema == SCHEMA


def test_sampling_stop_sequences_and_length() -> None:
    asked = request(temperature=0.5, top_p=0.9, top_k=3, stop_sequences=["a", "b"], max_tokens=9)
    assert asked.sampling == Sampling(temperature=0.5, top_p=0.9, top_k=3)
    assert (asked.stop, asked.max_tokens) == (("a", "b"), 9)


def test_what_claude_code_sends_is_read() -> None:
    asked = request(
        betas=["a"],
        context_management={"edits": [{"type": "clear_thinking_20251015"}]},
        metadata={"user_id": "u"},
        output_config={"effort": "medium"},
        thinking={"type": "adaptive"},
        tools=[{**TOOLS[0], "cache_control": {"type": "ephemeral"}, "eager_input_streaming": True}],
        max_tokens=32000,
        stream=True,
    )
    assert [tool.name for tool in asked.tools] == ["get_weather"]
    assert asked.max_tokens == 32000
