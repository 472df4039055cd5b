"""Requests that exceed the context together are queued and finish."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import yaml
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion

from tests import reciters
from tests.e2e.conftest import serving, unused_port
from tests.reciters import recited

pytestmark = pytest.mark.model

CONTEXT = 1024
LENGTH = 120  # tokens of an answer
TOPICS = (
    *("love", "war", "cheese", "law", "gravity", "a cat", "chess", "rain"),
    *("Rome", "honey", "music", "steel", "sleep", "the sea", "paper", "fire"),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway for two models with a small context; only one of them ends its answers."""
    folder = tmp_path_factory.mktemp("admission")
    models = {
        "ending": reciters.entry(reciters.ending(folder, LENGTH), context=CONTEXT),
        "endless": reciters.entry(reciters.endless(folder), context=CONTEXT),
    }
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    port = unused_port()
    with serving(folder, port):
        yield f"http://127.0.0.1:{port}/v1"


async def test_sixteen_clients_without_max_tokens_all_finish(address: str) -> None:
    async with AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=600) as client:

        async def ask(topic: str) -> ChatCompletion:
            content = f"{topic.capitalize()}: explain it in a paragraph."
            return await client.chat.completions.create(
                model="ending", messages=[{"role": "user", "content": content}]
            )

        answers = await asyncio.gather(*map(ask, TOPICS))
    assert {answer.choices[0].finish_reason for answer in answers} == {"stop"}
    assert {answer.choices[0].message.content for answer in answers} == {recited(LENGTH)}
    # The generated tokens alone exceed the context.
    assert sum(answer.usage.completion_tokens for answer in answers if answer.usage) > CONTEXT


def test_request_that_fills_the_context_finishes_with_length(address: str) -> None:
    with OpenAI(base_url=address, api_key="none", max_retries=0, timeout=600) as client:
        answer = client.chat.completions.create(
            model="endless",
            messages=[{"role": "user", "content": f"{'Walk on. ' * 290} Write a long story."}],
        )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.total_tokens == CONTEXT
