"""Requests beyond `limits` are rejected with the name of the limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.body import MAX_NESTED
from gateway.api.body_size import check_structure
from gateway.api.openai.chat_request import call_arguments
from gateway.api.openai.token_input import MAX_TOKENS
from gateway.chat.json import Json, has_more_structure
from gateway.config.limits import Limits
from gateway.errors import BadRequest
from tests.fakes import TOOLS, Script, ScriptedAnswer, chat, gateway, scripted, until
from tests.work import lines_run

USER = {"role": "user", "content": "Hello"}
LIMITS = {
    "body_mb": 1,
    "messages": 3,
    "tools": 2,
    "schema_kb": 1,
    "schema_enum_values": 4,
    "depth": 8,
}


def tool(**parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def schema(description: str) -> dict[str, Any]:
    answer = {"name": "a", "schema": {"type": "object", "description": description}}
    return {"type": "json_schema", "json_schema": answer}


NESTED: dict[str, Any] = {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}

BEYOND: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": [USER] * 4}, "messages", "limits.messages"),
    ({"tools": [*TOOLS, tool()]}, "tools", "limits.tools"),
    ({"tools": [TOOLS[0], tool(description="x" * 1024)]}, "tools.1", "limits.schema_kb"),
    ({"response_format": schema("x" * 1024)}, "response_format", "limits.schema_kb"),
    ({"tools": [tool(default=NESTED)]}, "tools", "limits.depth"),
    ({"anything": {"a": {"a": NESTED}}}, "anything", "limits.depth"),
]


@pytest.mark.parametrize(("beyond", "param", "limit"), BEYOND)
async def test_request_beyond_a_limit_is_rejected_with_the_name_of_the_limit(
    beyond: dict[str, Any], param: str, limit: str
) -> None:
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        answer = await client.post("/chat/completions", json=chat(**beyond))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert limit in answer.json()["error"]["message"]


UNITS: dict[str, Any] = {"type": "object", "properties": {"unit": {"enum": ["C", "F", "K"]}}}

# For each dialect, two tools whose schemas are too complex together.
TOO_COMPLEX: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": chat(
        tools=[
            {"type": "function", "function": {"name": name, "parameters": UNITS}} for name in "fg"
        ]
    ),
    "/v1/responses": {
        "model": "m",
        "input": "Hello",
        "tools": [{"type": "function", "name": name, "parameters": UNITS} for name in "fg"],
    },
    "/v1/messages": {
        "model": "m",
        "max_tokens": 10,
        "messages": [USER],
        "tools": [{"name": name, "input_schema": UNITS} for name in "fg"],
    },
    "/api/chat": chat(
        tools=[
            {"type": "function", "function": {"name": name, "parameters": UNITS}} for name in "fg"
        ]
    ),
}


@pytest.mark.parametrize(("path", "body"), TOO_COMPLEX.items())
async def test_the_tool_the_pointer_and_the_limit_of_a_too_complex_schema_are_told(
    path: str, body: dict[str, Any]
) -> None:
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        answer = await client.post(f"http://gateway{path}", json=body)
        fewer = {**body, "tools": body["tools"][:1]}
        assert (await client.post(f"http://gateway{path}", json=fewer)).status_code == 200
    assert answer.status_code == 400
    for told in ("tool 'g'", "#/properties/unit", "limits.schema_enum_values"):
        assert told in answer.text


async def test_a_too_complex_schema_has_a_code() -> None:
    enum = {"type": "object", "properties": {"a": {"enum": [*"abcde"]}}}
    asked = chat(response_format={"type": "json_schema", "json_schema": {"schema": enum}})
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        error = (await client.post("/chat/completions", json=asked)).json()["error"]
    assert error["code"] == "schema_too_complex"
    assert error["param"] == "response_format.json_schema.schema"


async def test_body_beyond_its_limit_returns_413() -> None:
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        answer = await client.post("/chat/completions", content=b" " * (2**20 + 1))
    assert answer.status_code == 413
    assert "limits.body_mb" in answer.json()["error"]["message"]


async def test_bodies_beyond_their_total_return_503_until_a_request_ends() -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None), scripted("Hi")])
    large = json.dumps(chat()).encode() + b" " * (600 * 1024)
    async with gateway(script, {"limits": {**LIMITS, "bodies_mb": 1}}) as client:
        running = asyncio.create_task(client.post("/chat/completions", content=large))
        await until(lambda: script.running == 1)
        refused = await client.post("/chat/completions", content=large)
        small = await client.post("/chat/completions", json=chat())
        running.cancel()
        await asyncio.wait({running})
        assert (await client.post("/chat/completions", content=large)).status_code == 200
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) > 0
    assert small.status_code == 200


async def test_the_body_that_has_been_arriving_for_longest_makes_room_for_others() -> None:
    parts = [b" " * (400 * 1024)] * 2

    async with gateway(scripted("Hi"), {"limits": {**LIMITS, "bodies_mb": 1}}) as client:
        sent, finish = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            for part in parts:
                yield part
            sent.set()
            await finish.wait()
            yield json.dumps(chat()).encode()

        slow = asyncio.create_task(client.post("/chat/completions", content=slowly()))
        await sent.wait()
        large = json.dumps(chat()).encode() + parts[0]
        others = [await client.post("/chat/completions", content=large) for _ in range(3)]
        finish.set()
        assert [other.status_code for other in others] == [200] * 3
        assert (await slow).json()["error"]["code"] == "overloaded"


STRUCTURES: list[tuple[str, int]] = [
    ('{"a": [[], {}]}', 5),
    (r'{"a": "[{\"[", "b\\\\": ["]"]}', 6),
    ('["' + "\\\\" * 9 + '", "' + "[" * 99 + '"]', 3),
]


@pytest.mark.parametrize(("text", "structure"), STRUCTURES)
def test_brackets_and_strings_are_counted_but_not_those_within_strings(
    text: str, structure: int
) -> None:
    check_structure(text.encode(), Limits(structure=structure))
    with pytest.raises(BadRequest, match=r"limits\.structure"):
        check_structure(text.encode(), Limits(structure=structure - 1))


JSON = st.recursive(
    st.none() | st.integers() | st.text('"\\\\[{}],a\n'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('"\\\\[{}],a'), inner),
)


def parts(value: Json) -> int:
    """The number of objects, arrays and strings in `value`."""
    match value:
        case str():
            return 1
        case list():
            return 1 + sum(map(parts, value))
        case dict():
            return 1 + len(value) + sum(map(parts, value.values()))
    return 0


@given(JSON)
def test_structure_is_counted_as_it_is_in_the_value(value: Json) -> None:
    text, count = json.dumps(value).encode(), parts(value)
    assert not has_more_structure(text, count)
    if count:
        assert has_more_structure(text, count - 1)


def test_counting_the_structure_of_a_large_body_runs_no_loop() -> None:
    text = json.dumps([{"a": "b"}] * 1000).encode()
    assert lines_run(lambda: has_more_structure(text, 2500)) < 50


@pytest.mark.parametrize("item", ["[]", "1", '"a"'])
def test_arguments_of_a_call_with_very_many_values_are_malformed(item: str) -> None:
    def arguments(count: int) -> str:
        return '{"a": [' + ",".join([item] * count) + "]}"

    assert set(call_arguments(arguments(MAX_NESTED // 3))) == {"a"}
    assert call_arguments(arguments(MAX_NESTED)) == {"malformed": arguments(MAX_NESTED)}


async def test_schema_as_text_with_very_many_values_is_refused() -> None:
    text = json.dumps({"type": "object", "default": [0] * MAX_NESTED})
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(guided_json=text))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "guided_json"
    assert f"more than {MAX_NESTED}" in answer.json()["error"]["message"]


async def test_request_at_a_limit_is_accepted() -> None:
    most = chat(messages=[USER] * 3, tools=TOOLS, response_format={"type": "text"})
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        assert (await client.post("/chat/completions", json=most)).status_code == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [("/completions", "prompt"), ("/embeddings", "input"), ("http://gateway/detokenize", "tokens")],
)
async def test_more_tokens_than_any_context_has_are_rejected(path: str, field: str) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(path, json={"model": "m", field: [1] * (MAX_TOKENS + 1)})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
