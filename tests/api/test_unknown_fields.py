"""A misspelled field is an error; an ignored one is named in a response header."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.unknown_fields import MAX_UNKNOWN, unknown_fields
from tests.api.anthropic.bodies import body as message_body
from tests.fakes import chat, gateway, scripted

BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": chat(),
    "/v1/chat/completions/render": chat(),
    "/v1/completions": {"model": "m", "prompt": "a"},
    "/v1/responses": {"model": "m", "input": "a"},
    "/v1/messages": message_body(),
    "/api/chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("tool_choices", "tool_choice"),
        ("max_token", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("temperatur", "temperature"),
        ("top-p", "top_p"),
        ("thinking_budgets", "thinking_budget"),
        ("guided_jsn", "guided_json"),
        ("message", "messages"),
    ],
)
async def test_a_misspelled_field_is_refused_with_the_one_that_was_meant(
    given: str, meant: str
) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(**{given: 1}))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"] == f"{given}: unknown field; did you mean {meant!r}?"
    assert error["param"] == given


@pytest.mark.parametrize("path", BODIES)
async def test_every_dialect_refuses_misspelled_fields(path: str) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(f"http://gateway{path}", json={**BODIES[path], "models_": "m"})
        assert answer.status_code == 400
        assert "did you mean 'model'?" in answer.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_ignored_fields_are_named_in_a_header(path: str, stream: bool) -> None:
    more = {"stream": stream, "models": ["a"], "speed": 1, "unheard_of": [1], "none": None}
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(f"http://gateway{path}", json={**BODIES[path], **more})
        known = await client.post(f"http://gateway{path}", json=BODIES[path])
    assert answer.status_code == 200
    assert answer.headers["x-ignored-fields"] == "models, speed, unheard_of"
    assert "x-ignored-fields" not in known.headers


async def test_a_name_that_is_unsafe_in_a_header_is_left_out() -> None:
    unsafe = {"a\r\nset-cookie: b": 1, "é": 1, "x" * 65: 1, "": 1, "fine": 1}
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(**unsafe))
    assert answer.headers["x-ignored-fields"] == "fine"
    assert "set-cookie" not in answer.headers


def test_of_many_unknown_fields_the_first_are_looked_at() -> None:
    many = {f"zz{i}": 1 for i in range(10_000)}
    assert unknown_fields(many, ["model"]) == [*many][:MAX_UNKNOWN]
