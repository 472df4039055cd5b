"""Chats prefill only new tokens, and log the cause of a cache miss.

The embedded model generates; a test that needs a certain answer uses a model that recites words.
"""

from __future__ import annotations

import logging
import re
from ast import literal_eval
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.chat.events import Text
from gateway.chat.messages import Speech
from gateway.chat.request import Request, Sampling
from gateway.formats.families import QWEN3
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from tests.e2e.talk import Count, Talk, embedded, engine, formed, reread, user
from tests.numerics import seed
from tests.reciters import endless

ASKED = ("Where is Rome?", "And Zürich?", "Thanks 🙂", "Tell me more.", "Bye.")
SHORT: dict[str, Any] = {"max_tokens": 24}
STOPPED = 3  # tokens that a stop string or a closed stream cuts

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[ChatModel]:
    client, model = await engine()
    yield model
    await client.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reciter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChatModel]:
    """A model that never ends its answer."""
    client, model = await engine(endless(tmp_path_factory.mktemp("turns")), context=1024)
    yield model
    await client.stop()


@pytest.fixture(scope="module")
def count(model: ChatModel) -> Count:
    return Count(embedded(), model.engine.info)


async def test_five_turns_are_prefilled_once(model: ChatModel, count: Count) -> None:
    for temperature in (0, 0.8):
        talk = Talk(model, **SHORT, temperature=temperature, seed=seed(5))
        for text in ASKED:
            await talk.ask(user(text))
        assert not [*reread(talk.exchanges, count)]


@pytest.mark.parametrize("pick", [0, 1])
async def test_each_of_several_answers_is_in_the_cache(
    model: ChatModel, count: Count, pick: int
) -> None:
    # At this temperature, two answers of this length always differ.
    talk = Talk(model, **SHORT, temperature=2, top_p=1, min_p=0, seed=seed(2), n=2)
    for text in ASKED[:3]:
        await talk.ask(user(text), pick=pick)
    picked = talk.exchanges[pick::2]
    assert talk.exchanges[0].written != talk.exchanges[1].written
    assert not [*reread(picked, count)]


THINKS = """
{%- set shut = '<think>\n\n</think>\n\n' -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' -%}
{{ shut if not enable_thinking }}{{ message | turn }}
{%- else -%}
{{ message.content }}
{%- endif -%}
<|im_end|>
{% endfor -%}
<|im_start|>assistant
{{ '<think>\n' if enable_thinking else shut }}"""


@pytest.mark.parametrize("thinks", [True, False])
async def test_returned_reasoning_is_prefilled_once(
    reciter: ChatModel, count: Count, thinks: bool
) -> None:
    switch = {"chat_template_kwargs": {"enable_thinking": thinks}}
    talk = Talk(
        formed(reciter, QWEN3, THINKS), max_tokens=32, temperature=0, thinking_budget=8, **switch
    )
    for text in ("Where is Rome?", "Where is Paris?", "Who wrote Hamlet?"):
        message = await talk.ask(user(text))
        assert message["content"]
        assert bool(message.get("reasoning_content")) == thinks
    assert not [*reread(talk.exchanges, count)]


async def test_answer_ended_by_a_stop_string_is_prefilled_once(
    reciter: ChatModel, count: Count
) -> None:
    talk = Talk(reciter, **SHORT, stop=["e"])
    for text in ASKED[:2]:
        await talk.ask(user(text))
    first, second = talk.exchanges
    told = talk.messages[1]["content"]
    assert first.written != told
    assert second.read <= count(second.prompt.removeprefix(first.prompt + told)) + STOPPED


async def test_answer_of_a_closed_stream_is_prefilled_once(
    reciter: ChatModel, count: Count
) -> None:
    asked = (Speech("user", "Write a story about a fox."),)
    sampling = Sampling(temperature=0.8, seed=seed(3))
    request = Request("m", asked, sampling=sampling, max_tokens=40)
    told = ""
    async with aclosing(await answer(request, reciter)) as parts:
        async for _, part in parts:
            told += part.text if isinstance(part, Text) else ""
            if len(told) > 40:
                break
    assert len(told) > 40
    talk = Talk(reciter, max_tokens=4)
    talk.messages = [user(asked[0].text), {"role": "assistant", "content": told}]
    await talk.ask(user("Go on."))
    [after] = talk.exchanges
    assert after.read <= count(after.prompt[after.prompt.index(told) + len(told) :]) + STOPPED


async def test_cache_miss_is_logged(
    count: Count, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, model = await engine(endless(tmp_path), context=1024)
    talk = Talk(model, max_tokens=4)
    with caplog.at_level(logging.DEBUG, "gateway"):
        await talk.ask(user("Name one red fruit."))
        talk.messages[-1]["content"] = "Plums"
        await talk.ask(user("Why?"))
    await client.stop()
    [record] = [record for record in caplog.records if "cached" in record.message]
    said = re.fullmatch(r"m: .* at token (\d+): cached (.+), requested (.+)", record.message)
    assert said
    first = talk.exchanges[0]
    assert int(said[1]) == count(first.prompt)
    assert first.written.startswith(literal_eval(said[2]))
    assert literal_eval(said[3]) == "Plums<|im_end|>\n<|im_start|>user\nWhy"
