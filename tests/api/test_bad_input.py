"""Invalid requests return a 4xx that names the error, and later requests succeed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.api.body import MAX_SHOWN, RequestBody, read_as
from gateway.api.errors import install
from gateway.config.limits import Limits
from gateway.errors import BadRequest
from tests.depth import pick
from tests.fakes import TOOLS, Script, chat, gateway, scripted

MOST_BYTES = Limits().body_mb * 2**20
USER = {"role": "user", "content": "Hello"}


class OneFlag(RequestBody):
    flag: bool


def tool(**function: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **function}}]}


def schema(**parameters: Any) -> dict[str, Any]:
    return tool(parameters=parameters)


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def said(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def custom(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"type": "custom", "custom": {"name": "f", **fields}}]}


def grammar(syntax: str, definition: str) -> dict[str, Any]:
    return {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}


def format(**schema: Any) -> dict[str, Any]:
    answer = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return {"response_format": answer}


# Fields added to a valid request, the path of the invalid one, and part of the message.
WRONG: list[tuple[dict[str, Any], str | None, str]] = [
    ({"model": None}, "model", "found None"),
    ({"model": 5}, "model", "found 5"),
    ({"messages": None}, "messages", "valid list"),
    ({"messages": "Hello"}, "messages", "found 'Hello'"),
    (said(), "messages", "at least 1 item"),
    (said("Hello"), "messages.0", "found 'Hello'"),
    (said(USER, {"content": "Hello"}), "messages.1.role", "missing"),
    (said({"role": "robot", "content": ""}), "messages.0.role", "'user'"),
    (said({"role": "critic", "content": ""}), "messages.0.role", "'tool'"),
    (said({"role": "user", "content": 5}), "messages.0.content", "found 5"),
    (said({"role": "user", "content": {"text": "Hi"}}), "messages.0.content", "valid string"),
    (
        said({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
        "messages.0.content.0.type",
        "'image_url'",
    ),
    (
        said({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
        "messages.0.content.0.type",
        "'input_audio'",
    ),
    (said({"role": "user", "content": [{"type": "text"}]}), "messages.0.content.0.text", "missing"),
    (said({"role": "assistant", "tool_calls": {}}), "messages.0.tool_calls", "valid list"),
    (
        said({"role": "assistant", "tool_calls": [{"id": "a", "type": "strange"}]}),
        "messages.0.tool_calls.0.type",
        "'strange'",
    ),
    (
        said({"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]}),
        "messages.0.tool_calls.0.custom",
        "missing",
    ),
    (
        said({"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}),
        "messages.0.tool_calls.0.function.name",
        "missing",
    ),
    (
        said({"role": "assistant", "function_call": {"arguments": ""}}),
        "messages.0.function_call.name",
        "missing",
    ),
    (said({"role": "assistant", "tool_call": ["not JSON"]}), "messages", "not a tool call"),
    (said({"role": "tool", "content": 5}), "messages.0.content", "found 5"),
    ({"tools": {}}, "tools", "valid list"),
    ({"tools": ["f"]}, "tools.0", "found 'f'"),
    ({"tools": [{"type": "function"}]}, "tools.0.function", "missing"),
    ({"tools": [{"type": "strange", "function": {"name": "f"}}]}, "tools.0.type", "'strange'"),
    ({"tools": [{"type": "custom", "custom": {}}]}, "tools.0.custom.name", "missing"),
    (custom(name="a b"), "tools.0.custom.name", "'a b'"),
    (custom(format={"type": "json"}), "tools.0.custom.format.type", "'json'"),
    (custom(format=grammar("gbnf", "x")), "tools.0.custom.format.grammar.syntax", "'gbnf'"),
    (custom(format=grammar("lark", "start: x")), "tools", "'x' is not defined"),
    (custom(format=grammar("regex", "[")), "tools", "unclosed"),
    ({"tools": TOOLS * 300}, "tools", "at most 512"),
    (
        {"tools": [*TOOLS, TOOLS[0]]},
        "tools.2.function.name",
        "the name 'get_weather'",
    ),
    (tool(name=""), "tools.0.function.name", "''"),
    (tool(name="f g"), "tools.0.function.name", "'f g'"),
    (tool(name="f\n"), "tools.0.function.name", "letters"),
    (tool(name="x" * 129), "tools.0.function.name", "128"),
    (tool(name="<|im_end|>"), "tools.0.function.name", "letters"),
    (tool(description=5), "tools.0.function.description", "found 5"),
    (tool(parameters=[]), "tools.0.function.parameters", "should be an object"),
    (schema(type="string"), "tools.0.function.parameters", "tool 'f'"),
    (schema(type="strange"), "tools.0.function.parameters", "#/type"),
    (
        schema(properties={"a": {"type": "strange"}}),
        "tools.0.function.parameters",
        "tool 'f': its JSON Schema is invalid at #/properties/a/type",
    ),
    (schema(properties=["a"]), "tools.0.function.parameters", "#/properties"),
    (schema(required="a"), "tools.0.function.parameters", "#/required"),
    (schema(properties={"a": {"enum": "x"}}), "tools.0.function.parameters", "properties/a/enum"),
    ({"tool_choice": "required"}, "tool_choice", "no tool is given"),
    ({"tool_choice": named("f")}, "tool_choice", "no tool is given"),
    ({"tools": TOOLS, "tool_choice": named("f")}, "tool_choice", "no tool 'f'"),
    ({"tools": TOOLS, "tool_choice": "any"}, "tool_choice", "'required'"),
    ({"tools": TOOLS, "tool_choice": {"type": "function"}}, "tool_choice.function", "missing"),
    ({"tools": TOOLS, "tool_choice": {"type": "strange"}}, "tool_choice.type", "'strange'"),
    ({"tools": TOOLS, "tool_choice": {"type": "custom"}}, "tool_choice.custom", "missing"),
    (
        {
            "tools": TOOLS,
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": []},
            },
        },
        "tool_choice.allowed_tools.tools",
        "at least 1",
    ),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "found 'no'"),
    ({"response_format": "json"}, "response_format", "found 'json'"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "'json_schema'"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing"),
    (format(type="strange"), "response_format.json_schema.schema", "#/type"),
    ({"stream": "yes"}, "stream", "found 'yes'"),
    ({"stream_options": []}, "stream_options", "found []"),
    ({"max_tokens": 0}, "max_tokens", "found 0"),
    ({"max_tokens": 0}, "max_tokens", "-1 for no limit"),
    ({"max_tokens": -2}, "max_tokens", "found -2"),
    ({"max_tokens": 1.5}, "max_tokens", "found 1.5"),
    ({"max_tokens": True}, "max_tokens", "found True"),
    ({"max_tokens": 10**30}, "max_tokens", "less than"),
    ({"max_completion_tokens": "10"}, "max_completion_tokens", "found '10'"),
    ({"stop": ""}, "stop", "at least 1 character"),
    ({"stop": [""]}, "stop.0", "at least 1 character"),
    ({"stop": ["x"] * 17}, "stop", "at most 16"),
    ({"stop": 5}, "stop", "found 5"),
    ({"n": 0}, "n", "found 0"),
    ({"n": 17}, "n", "found 17"),
    ({"logprobs": 5}, "logprobs", "found 5"),
    ({"tool_call_probability": 1}, "tool_call_probability", "found 1"),
    ({"tool_call_threshold": 1.5}, "tool_call_threshold", "found 1.5"),
    ({"tool_call_threshold": True}, "tool_call_threshold", "found True"),
    ({"top_logprobs": 3}, "top_logprobs", "`logprobs: true`"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "found 21"),
    ({"seed": 2**63}, "seed", "found 9223372036854775808"),
    ({"seed": "x"}, "seed", "found 'x'"),
    ({"temperature": -0.1}, "temperature", "found -0.1"),
    ({"temperature": "hot"}, "temperature", "found 'hot'"),
    ({"temperature": 10**300}, "temperature", "less than or equal to 2"),
    ({"top_p": 2}, "top_p", "found 2"),
    ({"presence_penalty": 3}, "presence_penalty", "found 3"),
    ({"repeat_penalty": 0}, "repeat_penalty", "found 0"),
    ({"functions": [{"name": "a b"}]}, "functions.0.name", "'a b'"),
    ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "tool_choice", "'g'"),
    ({"functions": [{"name": "f"}], "tools": TOOLS}, "functions", "use `tools` only"),
    ({"logit_bias": {"50256": -100}}, "logit_bias", "not supported"),
    ({"audio": {"voice": "alloy"}}, "audio", "not supported"),
    ({"modalities": ["text", "audio"]}, "modalities.1", "'audio'"),
    ({"web_search_options": {"a": 1}}, "web_search_options", "not supported"),
    ({"reasoning_effort": 5}, "reasoning_effort", "found 5"),
    ({"chat_template_kwargs": {"colour": "red"}}, "colour", "takes no 'colour'"),
    ({"chat_template_kwargs": {"messages": []}}, "messages", "takes no 'messages'"),
    ({"chat_template_kwargs": {"raise_exception": 1}}, "raise_exception", "takes no"),
    ({"chat_template_kwargs": "x"}, "chat_template_kwargs", "found 'x'"),
    (said({"role": "user", "content": "x" * 100, "a": 5}, 5), "messages.1", "found 5"),
]

GOOD = json.dumps(chat()).encode()


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


# A body's bytes, the path of the invalid field, and part of the message.
NOT_A_REQUEST: list[tuple[bytes, str | None, str]] = [
    (b"", None, "the body is not JSON"),
    (b"null", None, "the body: found None"),
    (b"[]", None, "the body: found []"),
    (b'"Hello"', None, "the body: found 'Hello'"),
    (b"{", None, "not JSON"),
    (b"{'model': 'm'}", None, "not JSON"),
    (GOOD + b"x", None, "not JSON"),
    (b"{}", "model", "missing"),
    (b'{"model": "m"}', "messages", "missing"),
    (GOOD.replace(b"Hello", b"\xff"), None, "not JSON"),
    (GOOD.replace(b"Hello", b"\xed\xa0\x80"), None, "not JSON"),
    (GOOD.replace(b"Hello", rb"\ud80"), None, "not JSON"),
    (GOOD.replace(b"Hello", rb"\ud800 \x"), None, "not JSON"),
    (GOOD.replace(b"Hello", b"\n"), None, "not JSON"),
    (GOOD[:-1] + b', "temperature": NaN}', None, "not JSON"),
    (GOOD[:-1] + b', "temperature": Infinity}', None, "not JSON"),
    (GOOD[:-1] + b', "temperature": 1e999}', None, "not JSON"),
    (GOOD[:-1] + b', "seed": ' + b"9" * 5000 + b"}", None, "not JSON"),
    (GOOD[:-1] + b', "x": ' + nested(100_000) + b"}", None, "not JSON"),
    (GOOD[:-1] + b', "x": ' + nested(200) + b"}", "x", "64 levels"),
    (
        json.dumps(chat(**schema(properties={"a": {"default": "@"}})))
        .encode()
        .replace(b'"@"', b"NaN"),
        None,
        "not JSON",
    ),
    (
        json.dumps(chat(**tool(name="@"))).encode().replace(b"@", rb"\ud83d"),
        "tools.0.function.name",
        "\ufffd",
    ),
]


@given(
    st.recursive(
        st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    )
)
def test_a_wrong_value_is_shown_up_to_a_length(value: Any) -> None:
    """As Python writes it; what is not shown is not written."""
    shown = repr(value)
    found = shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 3]}..."
    with pytest.raises(BadRequest) as refusal:
        read_as(OneFlag, json.dumps({"flag": value}).encode(), "the body")
    assert f"found {found}; " in refusal.value.message


async def refused(client: httpx.AsyncClient, body: bytes) -> dict[str, Any]:
    """Returns the error of `body`, after a check that a valid request still succeeds."""
    answer = await client.post("/chat/completions", content=body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert (await client.post("/chat/completions", json=chat())).status_code == 200
    return error


@pytest.mark.parametrize(("wrong", "param", "words"), WRONG)
async def test_invalid_field_is_named_in_the_error(
    wrong: Any, param: str | None, words: str
) -> None:
    async with gateway(scripted("Hi")) as client:
        error = await refused(client, json.dumps(chat(**wrong)).encode())
        assert error["param"] == param, error
        assert words in error["message"]


LONG = "x" * 2**20
QUOTED: list[dict[str, Any]] = [
    {"model": LONG},
    {"temperature": LONG},
    {LONG: 1, "messages": [{"role": LONG, "content": "Hi"}]},
    {"tool_choice": {"type": LONG}},
    {"tool_choice": {"type": "function", "function": {"name": LONG}}, "tools": TOOLS},
    {"tools": [{"type": "function", "function": {"name": LONG}}]},
    schema(properties={LONG: {"type": "strange"}}),
    {"chat_template_kwargs": {LONG: 1}},
]


@pytest.mark.parametrize("wrong", QUOTED)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/api/chat"])
async def test_error_quotes_only_a_part_of_a_long_value(path: str, wrong: dict[str, Any]) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(f"http://gateway{path}", json=chat(**wrong))
    assert answer.status_code < 500
    assert len(answer.content) < 5000


@pytest.mark.parametrize(("body", "param", "words"), NOT_A_REQUEST)
async def test_malformed_body_returns_400(body: bytes, param: str | None, words: str) -> None:
    async with gateway(scripted("Hi")) as client:
        error = await refused(client, body)
        assert error["param"] == param, error
        assert words in error["message"]
        assert len(error["message"]) < 300


async def test_unknown_model_returns_404_with_the_known_models() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(model="gpt-9"))
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "no model 'gpt-9'; models.yaml has 'm'",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


async def test_oversized_body_returns_413() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", content=b" " * (MOST_BYTES + 1))
        assert answer.status_code == 413
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        most = GOOD + b" " * (MOST_BYTES - len(GOOD))
        assert (await client.post("/chat/completions", content=most)).status_code == 200


@pytest.mark.parametrize(
    "type", [None, "application/x-www-form-urlencoded", "text/plain", "nonsense", "multipart/x"]
)
async def test_json_is_parsed_with_any_content_type(type: str | None) -> None:
    async with gateway(scripted("Hi")) as client:
        headers = {"content-type": type} if type else {}
        answer = await client.post("/chat/completions", content=GOOD, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/v2", "/v1", "/v1/chat", "/v1/chat/completion", "/v1/response"])
async def test_unknown_path_returns_404(path: str) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(f"http://gateway{path}", json={})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] == f"no route POST {path}"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/messages", "/v1/messages"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/api/chat", "/api/chat"),
    ],
)
async def test_unknown_path_that_has_v1_too_few_or_too_many_names_the_one_that_was_meant(
    path: str, meant: str
) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(f"http://gateway{path}", json={})
    assert answer.status_code == 404
    assert f"did you mean {meant}?" in answer.json()["error"]["message"]


async def test_unsupported_method_returns_405_with_allow() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.get("/chat/completions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"] == {
        "message": "no route GET /v1/chat/completions; this path supports POST",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_fastapi_validation_error_uses_the_envelope() -> None:
    app = FastAPI()
    install(app)

    @app.get("/number")
    async def number(n: int) -> int:
        return n

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/number?n=x")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "query.n"
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def history(arguments: Any, result: str = "") -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return said(
        *(USER, {"role": "assistant", "tool_calls": [{"id": "a", "function": function}]}),
        *({"role": "tool", "tool_call_id": "a", "content": result}, USER),
    )


# Fields of requests, and the text that replaces "@" in them.
HARD: list[tuple[dict[str, Any], str]] = [
    (schema(properties={"a": {"enum": ["@"]}}), "1" + "0" * 30),
    (schema(properties={"a": {"const": "@"}}), "9" * 4000),
    (schema(properties={"a": {"minimum": "@", "maxLength": "@"}}), "1" + "0" * 30),
    (schema(properties={"a": {"multipleOf": "@"}}), "1e-320"),
    (schema(properties={"a\0": {"enum": ["\0"], "pattern": "\0"}}), ""),
    (schema(properties={"x" * 100_000: {}}, required=["x" * 100_000]), ""),
    (format(enum=["@"]), "1" + "0" * 30),
    (history({"a": "@"}), "1" + "0" * 30),
    (history('{"a": ' + "9" * 4400 + "}"), ""),
    (history('{"a": 1e400}'), ""),
    (history('{"a": "\\ud800"}'), ""),
    (history("[" * 100_000), ""),
    (history("{}", "[" * 100_000 + "]" * 100_000), ""),
    (history("{}", "9" * 5000), ""),
    (said({"role": "user", "content": "a\0b"}), ""),
    (said(USER, {"role": "assistant", "tool_call": ['{"id": "\\ud800"}']}), ""),
    (said(USER, {"role": "assistant", "tool_call": ["9" * 4400]}), ""),
    ({"chat_template_kwargs": {"x": "@"}}, "1" + "0" * 30),
]


@pytest.mark.parametrize("form", ["hermes", "llama4", "minimax_m3", "glm47"])
async def test_extreme_json_values_cause_no_server_error(form: str) -> None:
    async with gateway(scripted("Hi"), format=form) as client:
        for more, value in HARD:
            body = json.dumps(chat(**more)).replace('"@"', value or '"@"')
            answer = await client.post("/chat/completions", content=body.encode())
            assert answer.status_code in (200, 400), (body[:300], answer.text)
            assert len(answer.text) < 2000


async def test_last_duplicate_key_wins() -> None:
    async with gateway(scripted("Hi")) as client:
        body = GOOD[:-1] + b', "model": "nobody"}'
        assert (await client.post("/chat/completions", content=body)).status_code == 404


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("role", "content", "type", "function", "name", "parameters", "properties"),
                    *("text", "tool_calls", "arguments", "$ref", "required", "enum", "schema"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("model", "messages", "tools", "tool_choice", "response_format", "stop", "n", "seed"),
        *("max_tokens", "temperature", "stream", "stream_options", "logprobs", "top_logprobs"),
        *("chat_template_kwargs", "reasoning_effort", "modalities", "functions"),
        *("tool_call_probability", "tool_call_threshold"),
    ]
)


@given(st.dictionaries(FIELDS, JSON, min_size=1, max_size=3))
@settings(max_examples=pick(fast=30, deep=300), suppress_health_check=[HealthCheck.too_slow])
async def test_random_fields_cause_no_server_error(fields: dict[str, Any]) -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", content=json.dumps(chat(**fields)).encode())
    assert answer.status_code in (200, 400, 404), answer.text
    assert script.running == 0
