"""The completions route continues raw prompts as the OpenAI API defines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from gateway.chat.events import Logprob
from gateway.engine.generation import Delta
from gateway.errors import ContextExceeded, EngineDied
from tests.fakes import (
    RawClient,
    Script,
    ScriptedAnswer,
    app,
    chat,
    events,
    gateway,
    scripted,
    until,
)


def body(**more: Any) -> dict[str, Any]:
    return {"model": "m", "prompt": "Once", **more}


async def ask(script: Script | ScriptedAnswer, **more: Any) -> dict[str, Any]:
    async with gateway(script) as client:
        answer = await client.post("/completions", json=body(**more))
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


async def refused(script: Script | ScriptedAnswer, **more: Any) -> dict[str, Any]:
    async with gateway(script) as client:
        answer = await client.post("/completions", json=body(**more))
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@asynccontextmanager
async def sdk(script: Script | ScriptedAnswer) -> AsyncIterator[AsyncOpenAI]:
    async with gateway(script) as http:
        own: Any = http
        yield AsyncOpenAI(
            api_key="none", base_url="http://gateway/v1", http_client=own, max_retries=0
        )


async def test_sdk_parses_a_completion() -> None:
    async with sdk(scripted(" upon a time")) as client:
        answer = await client.completions.create(model="m", prompt="Once")
    assert (answer.object, answer.id[:5], answer.model) == ("text_completion", "cmpl-", "m")
    [choice] = answer.choices
    assert (choice.text, choice.finish_reason, choice.logprobs) == (" upon a time", "stop", None)
    assert answer.usage
    assert answer.usage.prompt_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_sdk_parses_a_stream() -> None:
    async with sdk(scripted(" upon a time")) as client:
        stream = await client.completions.create(
            model="m", prompt="Once", stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == " upon a time"
    assert [c.choices[0].finish_reason for c in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert not any(chunk.usage for chunk in chunks)
    assert last.usage
    assert (last.choices, last.usage.prompt_tokens) == ([], 7)


PROMPTS: list[tuple[Any, list[list[str | int]]]] = [
    ("Once", [["Once"]]),
    (["Once", "Twice"], [["Once"], ["Twice"]]),
    ([5, 1, 6], [[5, 1, 6]]),
    ([[5, 1], [6]], [[5, 1], [6]]),
    ("<|im_end|> typed", [["<|im_end|> typed"]]),
]


@pytest.mark.parametrize(("prompt", "asked"), PROMPTS)
async def test_prompt_is_text_or_token_ids_or_a_list_of_either(prompt: Any, asked: Any) -> None:
    script = Script([scripted("Hi")])
    answer = await ask(script, prompt=prompt)
    assert [one.prompt for one in script.requests] == asked
    assert [choice["index"] for choice in answer["choices"]] == list(range(len(asked)))


async def test_special_parses_markers_as_special_tokens() -> None:
    script = Script([scripted("Hi")])
    await ask(script, prompt="<|im_start|>user\n", special=True)
    assert script.requests[0].prompt == [1, "user\n"]


async def test_omitted_fields_have_the_defaults_of_the_api_or_the_model() -> None:
    script = Script([scripted("Hi")])
    async with gateway(script, sampling={"temperature": 0.3}) as client:
        await client.post("/completions", json=body())
        more = {"temperature": 1, "top_p": 0.5, "seed": 4, "presence_penalty": 1, "max_tokens": 3}
        await client.post("/completions", json=body(**more, user="u", unheard_of=1, suffix=""))
    first, second = script.requests
    assert (first.max_tokens, first.sampling.temperature, first.grammar) == (16, 0.3, None)
    drawn = second.sampling
    assert (drawn.temperature, drawn.top_p, drawn.seed, drawn.presence_penalty) == (1, 0.5, 4, 1)
    assert (second.max_tokens, first.top_logprobs, first.echo) == (3, None, False)


async def test_a_limit_of_minus_one_is_none() -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        await client.post("/completions", json={"model": "m", "prompt": "a", "max_tokens": -1})
        for limits in ({"max_tokens": -1}, {"max_completion_tokens": -1}, {"max_tokens": None}):
            await client.post("/chat/completions", json=chat(**limits))
    assert [asked.max_tokens for asked in script.requests] == [None] * 4


async def test_answers_to_one_prompt_are_consecutive() -> None:
    script = Script([scripted(text) for text in ("a", "b", "c", "d")])
    answer = await ask(script, prompt=["x", "y"], n=2, best_of=2, seed=7)
    assert [choice["text"] for choice in answer["choices"]] == ["a", "b", "c", "d"]
    asked = [("".join(map(str, one.prompt)), one.sampling.seed) for one in script.requests]
    assert asked == [("x", 7), ("x", 8), ("y", 7), ("y", 8)]
    assert answer["usage"]["prompt_tokens"] == 2 * 7
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 2 * 3
    assert answer["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("prompt", ["Once", [5, 1]])
async def test_echo_prepends_the_prompt_to_each_answer(prompt: Any) -> None:
    answer = await ask(scripted(" upon"), prompt=prompt, echo=True, n=2, stop="c")
    told = "Once" if prompt == "Once" else "51"
    assert [choice["text"] for choice in answer["choices"]] == [f"{told} upon"] * 2


async def test_stop_string_ends_an_answer_and_is_omitted() -> None:
    script = Script([ScriptedAnswer(["on", "e,", " t", "wo", ", "], logprobs=True)])
    answer = await ask(script, stop=["two", "x"], logprobs=1)
    [choice] = answer["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("one, ", "stop")
    assert choice["logprobs"]["tokens"] == ["on", "e,", " t"]
    assert script.running == 0


async def test_logprobs_have_the_form_of_the_completions_api() -> None:
    script = ScriptedAnswer(["He", "llo"], logprobs=True)
    answer = await ask(script, logprobs=2)
    assert answer["choices"][0]["logprobs"] == {
        "tokens": ["He", "llo"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"x": -1.5, "He": -0.5}, {"x": -1.5, "llo": -0.5}],
        "text_offset": [0, 2],
    }


async def test_logprobs_show_an_incomplete_character_as_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def halves(_: ScriptedAnswer, **__: Any) -> Any:
        first, second = "é".encode()[:1], "é".encode()[1:]
        yield Delta("", 1, logprobs=(Logprob("\ufffd", list(first), -0.5),))
        yield Delta("é", 1, logprobs=(Logprob("\ufffd", list(second), -0.5),))
        yield Delta("!", 1, finish="stop", logprobs=(Logprob("!", [33], -0.5),))

    monkeypatch.setattr("tests.fakes._deltas", halves)
    answer = await ask(scripted(""), logprobs=0)
    odds = answer["choices"][0]["logprobs"]
    assert odds["tokens"] == ["bytes:\\xc3", "bytes:\\xa9", "!"]
    assert odds["text_offset"] == [0, 0, 1]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"echo": True, "n": 3},
        {"prompt": ["a", "b"], "n": 2},
        {"stop": "three"},
        {"logprobs": 2, "stop": ["two"]},
    ],
)
async def test_joined_stream_equals_the_whole_answer(more: dict[str, Any]) -> None:
    answers = ScriptedAnswer(
        ["one,", " t", "wo", ", th", "ree", ", four"], logprobs="logprobs" in more
    )
    whole = await ask(answers, **more)
    async with gateway(answers) as client:
        told = {"stream": True, "stream_options": {"include_usage": True}}
        stream = await client.post("/completions", json=body(**more, **told))
    *chunks, last = events(stream.text)
    assert last["usage"] == whole["usage"]
    for choice in whole["choices"]:
        pieces = [p for c in chunks for p in c["choices"] if p["index"] == choice["index"]]
        assert "".join(piece["text"] for piece in pieces) == choice["text"]
        assert pieces[-1]["finish_reason"] == choice["finish_reason"]
        odds = [piece["logprobs"] for piece in pieces if piece["logprobs"]]
        assert bool(odds) == bool(choice["logprobs"])
        for key in choice["logprobs"] or ():
            assert [one for odd in odds for one in odd[key]] == choice["logprobs"][key]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "prompt", "found None"),
    ({"prompt": []}, "prompt", "at least 1"),
    ({"prompt": [[]]}, "prompt.0", "at least 1"),
    ({"prompt": ["a", 5]}, "prompt.1", "found 5"),
    ({"prompt": [1, -1]}, "prompt.1", "found -1"),
    ({"prompt": [True]}, "prompt.0", "found True"),
    ({"prompt": {"text": "a"}}, "prompt", "valid string"),
    ({"prompt": ["a"] * 129, "n": 2}, "prompt", "at most 256"),
    ({"max_tokens": 0}, "max_tokens", "found 0"),
    ({"best_of": 3}, "best_of", "found 3"),
    ({"best_of": 1, "n": 2}, "best_of", "must equal `n`, 2"),
    ({"suffix": "the end"}, "suffix", "not supported"),
    ({"logit_bias": {"5": 100}}, "logit_bias", "not supported"),
    ({"logprobs": 21}, "logprobs", "found 21"),
    ({"logprobs": True}, "logprobs", "found True"),
    ({"logprobs": 1, "echo": True}, "logprobs", "not computed"),
    ({"stop": ""}, "stop", "at least 1 character"),
    ({"stream": "yes"}, "stream", "found 'yes'"),
]


@pytest.mark.parametrize(("wrong", "param", "words"), WRONG)
async def test_invalid_field_is_named_in_the_error(wrong: Any, param: str, words: str) -> None:
    error = await refused(scripted("Hi"), **wrong)
    assert error["param"] == param, error
    assert words in error["message"]


async def test_missing_prompt_and_unknown_model_are_rejected() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/completions", json={"model": "m"})
        assert answer.json()["error"]["param"] == "prompt"
        answer = await client.post("/completions", json={"model": "x", "prompt": "a"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("stream", [False, True])
async def test_too_long_prompt_returns_context_length_exceeded(stream: bool) -> None:
    error = await refused(ScriptedAnswer(rejects=ContextExceeded(9000, 4096)), stream=stream)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "prompt")
    assert "9000" in error["message"]


async def test_embedding_model_is_rejected_for_text() -> None:
    async with gateway(scripted("Hi"), embeddings=True) as client:
        for path in ("/completions", "/chat/completions"):
            messages = [{"role": "user", "content": "Hi"}]
            answer = await client.post(path, json=body(messages=messages))
            assert answer.status_code == 400
            error = answer.json()["error"]
            assert (error["param"], "use /v1/embeddings" in error["message"]) == (
                "model",
                True,
            )


async def test_error_during_a_stream_raises_api_error() -> None:
    async with sdk(ScriptedAnswer(["He"], fails=EngineDied("the worker died"))) as client:
        stream = await client.completions.create(model="m", prompt="Once", stream=True)
        with pytest.raises(openai.APIError, match="the worker died"):
            _ = [chunk async for chunk in stream]


@pytest.mark.parametrize("stream", [False, True])
async def test_disconnect_cancels_the_generation(stream: bool) -> None:
    script = Script([ScriptedAnswer(["Once ", "upon "], finish=None)])
    served = app(script)
    async with served.router.lifespan_context(served):
        client = RawClient(served, body(stream=stream, prompt=["a", "b"], n=2), "/v1/completions")
        visit = asyncio.create_task(client.run())
        await until(lambda: script.running == 4)
        client.gone.set()
        async with asyncio.timeout(5):
            await visit
        await until(lambda: script.running == 0)


async def test_health_counts_answers() -> None:
    async with gateway(scripted("Hi")) as client:
        await client.post("/completions", json=body(n=2))
        counts = (await client.get("http://gateway/health")).json()["counts"]
    assert json.dumps(counts) == '{"m": {"answers": 2, "calls": 0, "noted": 0}}'
