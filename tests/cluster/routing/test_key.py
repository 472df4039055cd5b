from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.responses.ids import ORIGIN, new_id
from gateway.cluster.routing.key import RoutingKey, routing_key

CHAT = "/v1/chat/completions"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
SYSTEM = {"role": "system", "content": "You are terse."}
USER = {"role": "user", "content": "What is the weather in Paris?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"city":"Paris"}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "rain"}

# Each dialect's path, the fields that its conversations share, and the field of their messages.
DIALECTS: dict[str, tuple[dict[str, Any], str]] = {
    CHAT: ({"tools": TOOLS}, "messages"),
    "/v1/responses": ({"tools": TOOLS, "instructions": "You are terse."}, "input"),
    "/v1/messages": (
        {"tools": TOOLS, "system": [{"type": "text", "text": "Be terse."}]},
        "messages",
    ),
    "/api/chat": ({"tools": TOOLS}, "messages"),
}


def key(path: str = CHAT, /, headers: dict[str, str] | None = None, **body: Any) -> RoutingKey:
    encoded = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return routing_key(path, encoded, json.dumps({"model": "m", **body}).encode())


def hashes(path: str = CHAT, /, **body: Any) -> tuple[int, ...]:
    return key(path, **body).blocks.hashes


@pytest.mark.parametrize("path", DIALECTS)
def test_a_new_message_keeps_the_whole_prefix(path: str) -> None:
    head, field = DIALECTS[path]
    short = hashes(path, **head, **{field: [SYSTEM, USER]})
    long = hashes(path, **head, **{field: [SYSTEM, USER, CALL, RESULT]})
    assert long[: len(short)] == short
    assert len(long) == len(short) + 2


@pytest.mark.parametrize("path", DIALECTS)
def test_conversations_of_one_program_share_tools_and_system_prompt(path: str) -> None:
    head, field = DIALECTS[path]
    one = hashes(path, **head, **{field: [USER]})
    other = hashes(path, **head, **{field: [{"role": "user", "content": "Hello"}]})
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]
    assert len(one) > 1


@pytest.mark.parametrize("path", DIALECTS)
def test_other_tools_share_nothing(path: str) -> None:
    head, field = DIALECTS[path]
    other = {**head, "tools": [{"name": "g"}]}
    assert not {*hashes(path, **head, **{field: [USER]})} & {
        *hashes(path, **other, **{field: [USER]})
    }


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/completions", {"prompt": "a" * 2000}),
        ("/v1/completions", {"prompt": [*range(2000)]}),
        ("/v1/responses", {"input": "a" * 2000}),
        ("/api/generate", {"system": "b", "prompt": "a" * 2000}),
    ],
)
def test_a_text_that_goes_on_keeps_its_prefix(path: str, fields: dict[str, Any]) -> None:
    name, value = list(fields.items())[-1]
    short = hashes(path, **fields)
    long = hashes(path, **{**fields, name: value + value})
    assert short[:-1] == long[: len(short) - 1]
    assert len(short) >= 4


def test_where_claude_code_marks_the_end_of_a_conversation_is_no_part_of_it() -> None:
    marked = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": "rain"}
    first = [{"role": "user", "content": [marked]}]
    second = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "user", "content": [{**result, "cache_control": {"type": "ephemeral"}}]},
    ]
    third = [*second[:2], {"role": "user", "content": [result]}]
    assert hashes("/v1/messages", messages=second)[:1] == hashes("/v1/messages", messages=first)
    assert hashes("/v1/messages", messages=third) == hashes("/v1/messages", messages=second)


def test_how_json_is_written_is_no_part_of_the_prompt() -> None:
    body = {"model": "m", "messages": [SYSTEM, {"role": "user", "content": "Zürich"}]}
    ways = [
        json.dumps(body),
        json.dumps(body, ensure_ascii=False, indent=2),
        json.dumps(dict(reversed(body.items())), separators=(",", ":")),
    ]
    assert len({routing_key(CHAT, (), way.encode()) for way in ways}) == 1


def test_the_order_of_keys_in_a_tool_is_part_of_the_prompt_as_in_templates() -> None:
    one = [{"name": "f", "parameters": {"a": 1, "b": 2}}]
    other = [{"name": "f", "parameters": {"b": 2, "a": 1}}]
    assert hashes(tools=one, messages=[USER]) != hashes(tools=other, messages=[USER])


def test_a_lone_surrogate_costs_no_blocks() -> None:
    body = rb'{"model": "m", "messages": [{"role": "user", "content": "\ud83d"}]}'
    assert routing_key(CHAT, (), body).blocks.hashes


@pytest.mark.parametrize(
    ("headers", "body", "session"),
    [
        ({"x-session-id": "a"}, {"prompt_cache_key": "b"}, "a"),
        ({"X-Session-Id": "a"}, {}, "a"),
        ({"x_session_id": "a"}, {}, "a"),  # as some proxies write it
        ({"x-claude-code-session-id": "a"}, {}, "a"),
        ({"session_id": "a"}, {}, "a"),  # Codex
        ({"session-id": "a"}, {"prompt_cache_key": "b"}, "a"),
        ({}, {"prompt_cache_key": "b", "previous_response_id": "resp_1"}, "b"),
        ({}, {"previous_response_id": "resp_1"}, "resp_1"),
        ({}, {"metadata": {"user_id": "user_1_account_2_session_3-4"}}, "3-4"),
        ({}, {"metadata": {"user_id": '{"device_id":"1","session_id":"3-4"}'}}, "3-4"),
        ({}, {"metadata": {"user_id": "somebody"}}, ""),
        ({}, {"user": "somebody"}, ""),
        ({"x-session-id": ""}, {"prompt_cache_key": 7}, ""),
    ],
)
def test_a_session_is_what_clients_call_it(
    headers: dict[str, str], body: dict[str, Any], session: str
) -> None:
    assert key(headers=headers, messages=[USER], **body).session == session


def test_after_a_stored_response_only_the_head_is_known() -> None:
    head = {"tools": TOOLS, "instructions": "You are terse."}
    first = hashes("/v1/responses", **head, input="Hello")
    later = hashes("/v1/responses", **head, input="More", previous_response_id="resp_1")
    assert later == first[:-1]


def test_the_id_of_a_response_tells_where_it_was_made() -> None:
    id = new_id("resp")
    assert key("/v1/responses", input="More", previous_response_id=id).origin == ORIGIN
    for path in (f"/v1/responses/{id}", f"/v1/responses/{id}/cancel"):
        assert routing_key(path, (), b"").origin == ORIGIN
    assert key("/v1/responses", input="More", previous_response_id="resp_1").origin == ""
    assert key(messages=[USER]).origin == ""


def test_ollamas_tag_is_no_part_of_the_name() -> None:
    assert key("/api/chat", messages=[USER]) == routing_key(
        "/api/chat", (), json.dumps({"model": "m:latest", "messages": [USER]}).encode()
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"model": ', b"\xff", b'"\\ud83d"', b"[" * 100_000],
)
def test_a_body_that_is_no_request_has_an_empty_key(body: bytes) -> None:
    assert routing_key(CHAT, (), body) == RoutingKey()


@pytest.mark.parametrize(
    "messages",
    [7, {}, "text", [7], [None], [[]], [{"content": [7, None, [], {"type": "text", "text": 7}]}]],
)
def test_messages_that_are_none_still_tell_the_model(messages: Any) -> None:
    assert key(messages=messages).model == "m"


def test_a_body_of_too_many_values_has_no_blocks() -> None:
    body = b'{"model": "m", "messages": [' + b"{}," * 200_000 + b"{}]}"
    assert routing_key(CHAT, (), body) == RoutingKey("m")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
FIELDS = ("model", "tools", "system", "messages", "input", "prompt", "metadata", "instructions")


@given(
    st.sampled_from([*DIALECTS, "/v1/completions", "/api/generate", "/health"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_any_body_has_a_key(path: str, body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    assert routing_key(path, (), text) == routing_key(path, (), text)
