"""Other servers' names for a constraint mean `response_format`, or are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.json import json_text
from gateway.chat.request import Sampling
from gateway.errors import BadRequest
from tests.fakes import chat, gateway, scripted

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TEXT = json.dumps(SCHEMA)


def schema_of(**more: Any) -> Any:
    return to_request(read(json_text(chat(**more)).encode()), Sampling()).response_schema


@pytest.mark.parametrize(
    "field",
    [
        {"guided_json": SCHEMA},
        {"guided_json": TEXT},
        {"json_schema": SCHEMA},
        {"json_schema": TEXT},
        {"structured_outputs": {"json": SCHEMA}},
        {"structured_outputs": {"json": TEXT}},
        {"grammar": {"type": "json", "value": SCHEMA}},
        {"response_format": {"type": "json_object", "schema": SCHEMA}},
        {"guided_json": SCHEMA, "response_format": {"type": "text"}},
    ],
)
def test_a_json_schema_holds_the_answer(field: dict[str, Any]) -> None:
    assert schema_of(**field) == SCHEMA


def test_any_object_may_be_asked_for() -> None:
    assert schema_of(structured_outputs={"json_object": True}) == {"type": "object"}


@pytest.mark.parametrize(
    "field", [{"guided_json": None}, {"structured_outputs": {}}, {"regex": ""}]
)
def test_an_empty_field_is_no_constraint(field: dict[str, Any]) -> None:
    assert schema_of(**field) is None


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"guided_regex": "a+"}, "'guided_regex' is not supported"),
        ({"guided_choice": ["a", "b"]}, "'guided_choice' is not supported"),
        ({"ebnf": "root ::= a"}, "'ebnf' is not supported"),
        ({"grammar": "root ::= a"}, "'grammar' is not supported"),
        ({"structured_outputs": {"choice": ["a"]}}, r"'structured_outputs\.choice' is not"),
        ({"guided_json": "{"}, "guided_json: it is no JSON Schema as text"),
        ({"guided_json": "[]"}, "guided_json: it is no JSON Schema as text"),
        ({"guided_json": {"type": "nonsense"}}, "its JSON Schema is invalid"),
        ({"guided_json": SCHEMA, "json_schema": SCHEMA}, "guided_json and json_schema both"),
        (
            {"guided_json": SCHEMA, "response_format": {"type": "json_object"}},
            "guided_json and response_format both",
        ),
        ({"response_format": {"type": "json_object", "schema": {"type": 1}}}, "is invalid"),
    ],
)
def test_what_the_answer_can_not_be_held_to_is_refused(field: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        schema_of(**field)


@pytest.mark.parametrize("path", ["/completions", "/responses"])
@pytest.mark.parametrize("field", ["guided_json", "grammar", "response_format", "regex"])
async def test_other_bodies_refuse_them(path: str, field: str) -> None:
    asked = {"model": "m", "prompt" if path == "/completions" else "input": "a", field: "b"}
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(path, json=asked)
    assert answer.status_code == 400
    assert f"'{field}' is not supported" in answer.json()["error"]["message"]
