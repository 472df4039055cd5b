"""The openai SDK with a running gateway and the embedded model.

Tests of the words of an answer or their number use a model that recites words.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Annotated, Any, Literal

import openai
import pytest
from jsonschema import Draft202012Validator
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field

from tests.e2e.tools import ENDLESS, TODO, WEATHER, bounded, checked, within
from tests.numerics import seed
from tests.reciters import recited

pytestmark = pytest.mark.model

PARIS: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the weather in Paris?"}
]
IN_PARIS, SHORT, SHORT_TODO = within(WEATHER, "Paris"), bounded(WEATHER, 40), bounded(TODO, 40)
WARM: Any = {"temperature": 1, "extra_body": {"min_p": 0}}  # the next word is any of 40
STORY: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Write a long story about a fox."}
]


@pytest.mark.parametrize("model", ["ending", "smollm2"])
def test_text_is_answered(client: OpenAI, model: str) -> None:
    question: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Answer in one short sentence."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    answer = client.chat.completions.create(model=model, messages=question, max_tokens=200)
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    if model == "ending":
        assert answer.choices[0].message.content == recited()
        assert answer.choices[0].finish_reason == "stop"


def test_joined_stream_equals_the_whole_answer(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="endless", messages=STORY, max_tokens=600)
    chunks = client.chat.completions.create(
        model="endless", messages=STORY, max_tokens=600, stream=True
    )
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert len(pieces) > 10
    assert "".join(pieces) == whole.choices[0].message.content == recited() * 10


def test_required_call_is_made(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="smollm2",
        messages=PARIS,
        tools=[IN_PARIS],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    assert message.tool_calls
    assert checked(IN_PARIS, message.tool_calls[0])["city"] == "Paris"


def test_named_tool_is_called_once(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="smollm2",
        messages=PARIS,
        tools=[WEATHER, SHORT_TODO],
        tool_choice={"type": "function", "function": {"name": "create_todo"}},
    )
    [call] = answer.choices[0].message.tool_calls or []
    checked(SHORT_TODO, call)


def test_arguments_are_streamed_in_pieces(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="smollm2",
        messages=PARIS,
        tools=[SHORT],
        tool_choice="required",
        parallel_tool_calls=False,
        stream=True,
        stream_options={"include_usage": True},
    )
    deltas, finishes, usages = [], [], []
    for chunk in chunks:
        usages += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            deltas += choice.delta.tool_calls or []
            finishes += [choice.finish_reason] if choice.finish_reason else []
    first, *rest = deltas
    assert first.id
    assert first.function is not None
    assert first.function.name == "get_weather"
    assert all(delta.id is None and delta.function is not None for delta in rest)
    assert len(rest) > 1
    pieces = [delta.function.arguments or "" for delta in deltas if delta.function]
    Draft202012Validator(SHORT["function"]["parameters"]).validate(json.loads("".join(pieces)))
    assert finishes == ["tool_calls"]
    assert len(usages) == 1


def test_stream_helper_parses_a_call(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="smollm2",
        messages=PARIS,
        tools=[IN_PARIS],
        tool_choice="required",
        parallel_tool_calls=False,
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    calls = final.choices[0].message.tool_calls
    assert calls
    assert json.loads(calls[0].function.arguments)["city"] == "Paris"


def test_one_turn_has_several_calls(client: OpenAI) -> None:
    """The grammar does not require a second call; this model starts another call after each one."""
    question: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "What is the weather in Paris and in Rome?"}
    ]
    answer = client.chat.completions.create(
        model="calling", messages=question, tools=[SHORT], tool_choice="required", max_tokens=400
    )
    calls = answer.choices[0].message.tool_calls or []
    assert len(calls) >= 2
    assert len({call.id for call in calls}) == len(calls)
    for call in calls:
        checked(SHORT, call)


@pytest.mark.parametrize("model", ["smollm2", "endless"])
def test_parallel_tool_calls_false_allows_one_call(client: OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model,
        messages=PARIS,
        tools=[SHORT],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    assert len(answer.choices[0].message.tool_calls or []) == 1


def test_result_is_answered_and_earlier_tokens_are_cached(client: OpenAI) -> None:
    messages = list(PARIS)
    asked = client.chat.completions.create(
        model="ending",
        messages=messages,
        tools=[SHORT],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    message = asked.choices[0].message
    [call] = message.tool_calls or []
    messages.append(message.model_dump())  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees, sunny"})
    told = client.chat.completions.create(model="ending", messages=messages, tools=[SHORT])
    assert told.choices[0].message.content == recited()
    assert told.choices[0].finish_reason == "stop"
    assert told.usage is not None
    assert told.usage.prompt_tokens_details is not None
    assert asked.usage is not None
    # The end of the call was forced and is not in the KV cache yet; all tokens before it are.
    cached = told.usage.prompt_tokens_details.cached_tokens or 0
    assert cached >= asked.usage.prompt_tokens + asked.usage.completion_tokens - 12


def test_json_schema_is_enforced(client: OpenAI) -> None:
    class City(BaseModel):
        name: Literal["Paris", "Rome"]
        population: Annotated[int, Field(ge=0, le=20_000_000)]
        is_capital: bool

    answer = client.chat.completions.parse(
        model="smollm2",
        messages=[{"role": "user", "content": "Describe Paris."}],
        response_format=City,
    )
    assert answer.choices[0].message.parsed is not None
    assert answer.choices[0].message.parsed.name in ("Paris", "Rome")


def test_json_object_returns_an_object(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": "Give me a JSON object with a name and an age."}],
        response_format={"type": "json_object"},
        max_tokens=200,
    )
    content = str(answer.choices[0].message.content)
    assert content.startswith("{")
    assert answer.choices[0].finish_reason == "length" or isinstance(json.loads(content), dict)


def test_truncated_call_is_not_returned(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="smollm2", messages=PARIS, tools=[WEATHER], tool_choice="required", max_tokens=12
    )
    assert answer.choices[0].finish_reason == "length"
    assert not answer.choices[0].message.tool_calls
    [note] = answer.choices[0].notes  # type: ignore[attr-defined]
    assert note.startswith("cut off: '<tool_call>")


@pytest.mark.parametrize("model", ["smollm2", "endless"])
def test_tool_choice_none_returns_no_call(client: OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model, messages=PARIS, tools=[WEATHER], tool_choice="none", max_tokens=40
    )
    assert answer.choices[0].message.tool_calls is None
    assert model == "smollm2" or answer.choices[0].message.content == recited(40)


def test_text_ends_before_a_stop_string(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="endless", messages=STORY, max_tokens=60, stop=["se"]
    )
    assert answer.choices[0].message.content == recited().partition("se")[0]
    assert answer.choices[0].finish_reason == "stop"


def test_seed_reproduces_the_answer(client: OpenAI) -> None:
    """Equal seeds need equal logits: llama.cpp's rounding depends on the order of the KV cells."""

    def ask(number: int) -> str:
        answer = client.chat.completions.create(
            model="endless", messages=STORY, max_tokens=20, seed=seed(number), **WARM
        )
        return str(answer.choices[0].message.content)

    assert ask(7) == ask(7) != ask(8)


def test_several_answers_with_one_seed_differ(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="endless", messages=STORY, max_tokens=20, seed=seed(7), n=3, **WARM
    )
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_logprobs_include_the_top_alternatives(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="endless", messages=PARIS, max_tokens=5, logprobs=True, top_logprobs=3
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert len(logprobs.content) == 5
    for token in logprobs.content:
        assert len(token.top_logprobs) == 3
        assert token.logprob == max(rival.logprob for rival in token.top_logprobs) <= 0
    assert "".join(t.token for t in logprobs.content) == answer.choices[0].message.content


async def test_four_clients_stream_concurrently(async_client: AsyncOpenAI) -> None:
    order: list[int] = []

    async def read(client: int) -> str:
        text = ""
        stream = await async_client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": f"Tell me about the number {client}."}],
            max_tokens=40,
            stream=True,
            response_format=ENDLESS,
        )
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            order.append(client)
        return text

    texts = await asyncio.gather(*(read(client) for client in range(4)))
    assert all(texts)
    last_start = max(order.index(client) for client in range(4))
    first_end = min(len(order) - order[::-1].index(client) for client in range(4))
    assert last_start < first_end, "the streams came one after the other"
    switches = sum(a != b for a, b in itertools.pairwise(order))
    assert switches > len(order) / 2, "the streams came in long stretches"


async def test_disconnect_frees_the_model(async_client: AsyncOpenAI) -> None:
    """Without cancellation, the stories would run until the context is full."""
    for _ in range(20):
        stream = await async_client.chat.completions.create(
            model="smollm2", messages=STORY, stream=True, response_format=ENDLESS
        )
        async for _chunk in stream:
            break
        await stream.close()
    for _ in range(5):
        with pytest.raises(openai.APITimeoutError):
            await async_client.with_options(timeout=0.5).chat.completions.create(
                model="smollm2", messages=STORY, response_format=ENDLESS
            )
    answer = await async_client.with_options(timeout=20).chat.completions.create(
        model="smollm2", messages=PARIS, max_tokens=5, response_format=ENDLESS
    )
    assert answer.choices[0].message.content


def test_prompt_longer_than_the_context_is_rejected(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="4096") as caught:
        client.chat.completions.create(
            model="smollm2", messages=[{"role": "user", "content": "word " * 6000}]
        )
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("hard", "keyword"),
    [
        ({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True}, "uniqueItems"),
        ({"type": "string", "pattern": "a^b", "maxLength": 9}, "pattern"),
    ],
)
def test_unsupported_keyword_is_relaxed_only_where_it_occurs(
    client: OpenAI, hard: dict[str, Any], keyword: str
) -> None:
    properties = {"count": {"enum": [1, 2]}, "hard": hard}
    parameters = {"type": "object", "properties": properties, "required": ["count", "hard"]}
    tool: Any = {"type": "function", "function": {"name": "pick", "parameters": parameters}}
    answer = client.chat.completions.create(
        model="smollm2",
        messages=PARIS,
        tools=[WEATHER, tool],
        tool_choice={"type": "function", "function": {"name": "pick"}},
        max_tokens=200,
    )
    choice: Any = answer.choices[0]
    if choice.finish_reason == "tool_calls":
        (made,) = choice.message.tool_calls
        assert json.loads(made.function.arguments)["count"] in (1, 2)
        told = f"not enforced while generating: tool 'pick' at #/properties/hard: {keyword!r}"
        assert choice.notes[0] == told


def test_control_token_in_a_user_message_is_plain_text(client: OpenAI) -> None:
    def tokens(content: str) -> int:
        answer = client.chat.completions.create(
            model="smollm2", messages=[{"role": "user", "content": content}], max_tokens=1
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    assert (
        tokens("<|im_end|>" * 10) - tokens("") > 30
    )  # as control tokens, the difference would be 10


def test_models_are_listed_and_found_by_alias(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [
        "smollm2",
        "ending",
        "endless",
        "calling",
    ]
    assert client.models.retrieve("default").id == "smollm2"
    with pytest.raises(openai.NotFoundError, match=r"models\.yaml has 'smollm2'"):
        client.models.retrieve("gpt-4")


def test_unknown_model_raises_model_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4", messages=PARIS)
    assert caught.value.code == "model_not_found"
