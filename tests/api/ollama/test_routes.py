"""Ollama's API over HTTP: answers, embeddings, and errors in its own form everywhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.admission.api_keys import new_key
from gateway.errors import BadRequest, ContextExceeded, EngineDied
from tests.api.ollama.bodies import chat, lines, ollama, prompt
from tests.fakes import INFO, PROMPT_TOKENS, Script, ScriptedAnswer, scripted
from tests.served import prompt as prompt_of


async def test_an_answer_is_streamed_unless_the_client_declines() -> None:
    async with ollama(scripted("Hi")) as client:
        for stream in (None, True):
            answer = await client.post("/chat", json=chat(stream=stream))
            assert len(lines(answer.text)) == 2
        whole = (await client.post("/chat", json=chat(stream=False))).json()
    assert whole["message"] == {"role": "assistant", "content": "Hi"}
    assert (whole["prompt_eval_count"], whole["eval_count"]) == (PROMPT_TOKENS, 1)
    assert (whole["done"], whole["done_reason"]) == (True, "stop")


async def test_a_model_has_its_name_with_the_tag_too() -> None:
    async with ollama(scripted("Hi"), aliases=("a:7b",)) as client:
        for name in ("m", "m:latest", "a:7b"):
            answer = await client.post("/chat", json=chat(model=name, stream=False))
            assert answer.json()["model"] == name
        gone = await client.post("/chat", json=chat(model="m:7b"))
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [("/chat", {"model": "m"}), ("/chat", chat(messages=[])), ("/generate", prompt(prompt=""))],
)
async def test_a_request_without_a_prompt_loads_the_model_or_unloads_it(
    path: str, body: dict[str, Any]
) -> None:
    script = Script([])
    async with ollama(script) as client:
        answer = (await client.post(path, json=body)).json()
        assert (answer["done"], answer["done_reason"]) == (True, "load")
        assert [model["name"] for model in (await client.get("/ps")).json()["models"]] == ["m"]
        unload = (await client.post(path, json={**body, "keep_alive": 0})).json()
        assert (unload["done"], unload["done_reason"]) == (True, "unload")
        assert (await client.get("/ps")).json() == {"models": []}
    assert script.requests == []


async def test_a_raw_prompt_is_not_put_into_the_chat_template() -> None:
    script = Script([scripted("Hi")])
    async with ollama(script) as client:
        await client.post("/generate", json=prompt(raw=True))
        await client.post("/generate", json=prompt())
    assert prompt_of(script, 0) == "Hello"
    assert "user\nHello" in prompt_of(script, 1)


@pytest.mark.parametrize("input", ["a", ["a", "b"]])
async def test_embeddings_are_lists_of_numbers(input: Any) -> None:
    script = Script([], msgspec.structs.replace(INFO, dimensions=2))
    async with ollama(script, embeddings=True) as client:
        answer = (await client.post("/embed", json={"model": "m", "input": input})).json()
        cut = {"model": "m", "input": input, "dimensions": 1}
        short = (await client.post("/embed", json=cut)).json()
    assert answer["embeddings"] == [pytest.approx([0.6, 0.8])] * len(input)
    assert answer["prompt_eval_count"] == 7
    assert short["embeddings"] == [[1.0]] * len(input)


async def test_options_that_have_no_effect_are_named_in_a_header() -> None:
    options = {"num_ctx": 8192, "typical_p": 0.7, "repeat_last_n": 33, "temperature": 0.5}
    async with ollama(scripted("Hi")) as client:
        answer = await client.post("/chat", json=chat(options=options, keep="x"))
        wrong = await client.post("/chat", json=chat(options={"temperatur": 0.5}))
    ignored = "keep, options.num_ctx, options.typical_p, options.repeat_last_n"
    assert answer.headers["x-ignored-fields"] == ignored
    assert wrong.status_code == 400
    assert "did you mean 'temperature'?" in wrong.json()["error"]


# -- errors


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (ContextExceeded(9000, 4096), 400),
        (BadRequest("no"), 400),
        (EngineDied("lost"), 503),
        (RuntimeError("a secret"), 500),
    ],
)
async def test_error_is_a_text(raised: Exception, status: int, stream: bool) -> None:
    async with ollama(ScriptedAnswer(rejects=raised)) as client:
        answer = await client.post("/chat", json=chat(stream=stream))
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert isinstance(answer.json()["error"], str)
    assert "secret" not in answer.text


async def test_error_during_a_stream_is_its_last_line() -> None:
    async with ollama(ScriptedAnswer(["He", "y"], fails=EngineDied("lost"))) as client:
        answer = await client.post("/chat", json=chat())
    *_, last = lines(answer.text)
    assert last == {"error": "lost"}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/chat", {"content": b"{"}, 400),
        ("POST", "/generate", {"json": {}}, 400),
        ("POST", "/embed", {"json": {"model": "m", "input": "a"}}, 400),
        ("POST", "/show", {"json": {"model": "gone"}}, 404),
        ("POST", "/pull", {"json": {"model": "gone"}}, 404),
        ("GET", "/chat", {}, 405),
        ("POST", "/chat", {"content": b" " * (2**20 + 1)}, 413),
    ],
)
async def test_errors_of_requests_and_paths_are_texts(
    method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    async with ollama(scripted("Hi"), settings={"limits": {"body_mb": 1}}) as client:
        answer = await client.request(method, path, **sent)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


async def test_a_key_is_needed_if_there_are_keys() -> None:
    secret, key = new_key("alice")
    async with ollama(scripted("Hi"), keys=[key]) as client:
        stranger = await client.get("/tags")
        known = await client.get("/tags", headers={"Authorization": f"Bearer {secret}"})
    assert (stranger.status_code, list(stranger.json())) == (401, ["error"])
    assert known.status_code == 200
