"""What clients send for a response, as the request that the model gets."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.responses.body import ResponseBody
from gateway.api.responses.request import left_out, to_request
from gateway.api.responses.stored.conversation import input_items
from gateway.api.signing import Signer
from gateway.chat.messages import Call, Result, Speech, Turn
from gateway.chat.request import Request, Sampling, ToolChoice
from tests.api.responses.asking import FUNCTIONS, asking
from tests.fakes import Script, gateway, scripted

SIGNER = Signer()
WEB_SEARCH = {"type": "web_search", "external_web_access": False}


def request(**fields: Any) -> Request:
    body = ResponseBody.model_validate(asking(**fields))
    return to_request(body, input_items(body), SIGNER, Sampling())


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def function_call(id: str, arguments: str = '{"city": "Paris"}') -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{id}",
        "call_id": id,
        "name": "get_weather",
        "arguments": arguments,
        "status": "completed",
    }


def text(*texts: str, kind: str = "input_text") -> list[dict[str, Any]]:
    return [{"type": kind, "text": one} for one in texts]


PARIS = Call("get_weather", {"city": "Paris"}, "a")
SAID = {"type": "message", "role": "assistant", "content": text("Hi.", kind="output_text")}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}

INPUTS: dict[str, tuple[Any, list[Any]]] = {
    "a text": ("Hello", [Speech("user", "Hello")]),
    "messages of all roles": (
        [
            {"role": "developer", "content": text("Be ", "brief.")},
            {"type": "message", "role": "system", "content": "Be kind."},
            user("Hello"),
            {"id": "msg_1", "status": "completed", **SAID},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        ],
        [
            Speech("system", "Be brief."),
            Speech("system", "Be kind."),
            Speech("user", "Hello"),
            Turn("Hi."),
            Turn("No."),
        ],
    ),
    "calls and their outputs": (
        [
            user("Hello"),
            function_call("a"),
            function_call("b"),
            {"type": "function_call_output", "call_id": "a", "output": "rain"},
            {"type": "function_call_output", "call_id": "b", "output": text("sun", "ny")},
        ],
        [
            Speech("user", "Hello"),
            Turn(calls=(PARIS, Call("get_weather", {"city": "Paris"}, "b"))),
            Result("rain", "a"),
            Result("sunny", "b"),
        ],
    ),
    "reasoning, text and calls are one turn": (
        [{**THOUGHT, "content": text("Hm.", kind="reasoning_text")}, SAID, function_call("a")],
        [Turn("Hi.", "Hm.", (PARIS,))],
    ),
    "text after a call is another turn": (
        [function_call("a"), SAID],
        [Turn(calls=(PARIS,)), Turn("Hi.")],
    ),
    "reasoning as a summary": (
        [{**THOUGHT, "summary": text("Hm.", kind="summary_text")}, SAID],
        [Turn("Hi.", "Hm.")],
    ),
    "signed reasoning": (
        [{**THOUGHT, "encrypted_content": SIGNER.signed("Hm.")}, SAID],
        [Turn("Hi.", "Hm.")],
    ),
    "reasoning that another gateway signed": (
        [{**THOUGHT, "encrypted_content": Signer().signed("Hm.")}, SAID],
        [Turn("Hi.")],
    ),
    "malformed arguments": (
        [function_call("a", '{"city": ')],
        [Turn(calls=(Call("get_weather", {"malformed": '{"city": '}, "a"),))],
    ),
    "no arguments": ([function_call("a", "")], [Turn(calls=(Call("get_weather", {}, "a"),))]),
    "items of hosted tools are left out": (
        [user("Hello"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}],
        [Speech("user", "Hello")],
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_items_become_messages(name: str) -> None:
    given, expected = INPUTS[name]
    assert [*request(input=given).messages] == expected


def test_instructions_are_the_first_message() -> None:
    messages = request(instructions="Be brief.", input=[user("Hello")]).messages
    assert messages == (Speech("system", "Be brief."), Speech("user", "Hello"))


BOTH = ("get_weather", "get_time")
NAMED = {"type": "function", "name": "get_time"}
CHOICES: list[tuple[Any, ToolChoice]] = [
    (None, ToolChoice(BOTH)),
    ("auto", ToolChoice(BOTH)),
    ("required", ToolChoice(BOTH, True)),
    ("none", ToolChoice()),
    (NAMED, ToolChoice(("get_time",), True, False)),
    (
        {"type": "allowed_tools", "mode": "auto", "tools": [NAMED]},
        ToolChoice(("get_time",), False),
    ),
    (
        {"type": "allowed_tools", "mode": "required", "tools": [NAMED]},
        ToolChoice(("get_time",), True),
    ),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_tool_choice_names_the_callable_tools(choice: Any, expected: ToolChoice) -> None:
    assert request(tools=FUNCTIONS, tool_choice=choice).tool_choice == expected


def test_settings_are_passed_on() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    made = request(
        tools=FUNCTIONS,
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "a", "schema": schema, "strict": True}},
        reasoning={"effort": "low", "summary": "auto"},
        max_output_tokens=9,
        temperature=0,
        include=["message.output_text.logprobs"],
    )
    assert not made.tool_choice.parallel
    assert made.response_schema == schema
    assert made.template_variables == {"reasoning_effort": "low"}
    assert (made.max_tokens, made.sampling.temperature, made.top_logprobs) == (9, 0, 0)
    assert request(text={"format": {"type": "json_object"}}).response_schema == {"type": "object"}
    assert request(text={"format": {"type": "text"}}).response_schema is None
    assert request(top_logprobs=3).top_logprobs == 3


def test_hosted_tools_are_left_out_with_a_note() -> None:
    item = {"type": "web_search_call", "id": "ws_1"}
    fields = asking(tools=[*FUNCTIONS, WEB_SEARCH, WEB_SEARCH], input=[user("Hello"), item, item])
    body = ResponseBody.model_validate(fields)
    assert [tool.name for tool in request(**fields).tools] == [*BOTH]
    assert left_out(body) == [
        "left out: the tool 'web_search' runs on OpenAI's servers only",
        "left out: items of type 'web_search_call' of the input",
    ]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"tools": [WEB_SEARCH], "tool_choice": "required"}, "tool_choice", "no tool is given"),
    (
        {"tools": [*FUNCTIONS, WEB_SEARCH], "tool_choice": {"type": "web_search"}},
        "tool_choice",
        "'web_search' runs on OpenAI's servers only",
    ),
    (
        {"tools": FUNCTIONS, "tool_choice": {"type": "function", "name": "f"}},
        "tool_choice",
        "no tool 'f'",
    ),
    ({"tools": [{"type": "function", "name": "a b"}]}, "tools.0.name", "'a b'"),
    ({"tools": [{"type": "function"}]}, "tools.0.name", "missing"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools.0.name", "missing"),
    ({"tools": [{"type": "custom", "name": "a b"}]}, "tools.0.name", "'a b'"),
    (
        {"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "mcp"}]}]},
        "tools.0.tools.0.type",
        "'mcp'",
    ),
    (
        {"tools": FUNCTIONS, "tool_choice": {"type": "mcp", "name": "get_time"}},
        "tool_choice",
        "'mcp' runs on OpenAI's servers only",
    ),
    (
        {"tools": [{"type": "function", "name": "f", "parameters": {"type": 1}}]},
        "tools.0.parameters",
        "JSON Schema is invalid",
    ),
    ({"input": []}, "input", "no message"),
    ({"input": 5}, "input", "found 5"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
        "input.0.content.0.type",
        "'input_image'",
    ),
    ({"input": [{"type": "function_call", "name": "f"}]}, "input.0.call_id", "missing"),
    (
        {"text": {"format": {"type": "json_schema", "schema": {"type": 1}}}},
        "text.format.schema",
        "JSON Schema is invalid",
    ),
    ({"conversation": "conv_1"}, "conversation", "previous_response_id"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt", "instructions"),
    ({"metadata": {"k" * 65: "v"}}, "metadata", "64"),
    ({"max_output_tokens": 0}, "max_output_tokens", "found 0"),
]


@pytest.mark.parametrize(("fields", "param", "reason"), REFUSED)
async def test_what_cannot_be_done_is_refused(
    fields: dict[str, Any], param: str, reason: str
) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/responses", json=asking(**fields))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"].startswith(param)
    assert reason in error["message"]


async def test_codex_request_is_answered() -> None:
    """The fields, tools and items that Codex sends."""
    script = Script([scripted("Hi")])
    body = asking(
        instructions="Be brief.",
        input=[
            {"type": "message", "id": "m1", "role": "developer", "content": text("Sandboxed.")},
            {"type": "message", "id": "m2", "role": "user", "content": text("Hello")},
        ],
        tools=[{**tool, "strict": False} for tool in FUNCTIONS] + [WEB_SEARCH],
        tool_choice="auto",
        parallel_tool_calls=True,
        reasoning={"summary": "auto"},
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="x",
        client_metadata={"k": "v"},
    )
    async with gateway(script) as client:
        answer = await client.post("/responses", json=body)
    assert answer.status_code == 200
    assert "response.completed" in answer.text
    prompt = "".join(map(str, script.requests[0].prompt))
    assert "Sandboxed." in prompt


async def test_too_many_items_are_refused() -> None:
    items = [user("Hello")] * 3
    async with gateway(scripted("Hi"), {"limits": {"messages": 2}}) as client:
        answer = await client.post("/responses", json=asking(input=items))
    assert answer.status_code == 400
    assert "limits.messages" in answer.json()["error"]["message"]
