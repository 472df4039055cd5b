"""Raw completions through the openai SDK, by the embedded model and models that recite words."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway.worker.llama.model import Llama
from tests.reciters import recited

pytestmark = pytest.mark.model

QUESTION = "Name the capital of France."
CHAT = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"


def ask(client: OpenAI, **more: Any) -> Any:
    return client.completions.create(**{"model": "smollm2", "temperature": 0, **more})


def test_text_is_continued(client: OpenAI) -> None:
    answer = ask(client, model="endless", prompt=recited(8), max_tokens=4)
    [choice] = answer.choices
    assert recited(8) + choice.text == recited(12)
    assert (choice.finish_reason, answer.usage.completion_tokens) == ("length", 4)


@pytest.mark.parametrize("more", [{}, {"logprobs": 2}, {"echo": True}, {"stop": 12}])
def test_joined_stream_equals_the_whole_answer(client: OpenAI, more: dict[str, Any]) -> None:
    asked = {"model": "endless", "prompt": recited(8), "max_tokens": 8, **more}
    if count := more.get("stop"):
        asked["stop"] = recited(count).removeprefix(recited(count - 1))
    whole = ask(client, **asked).choices[0]
    chunks = list(ask(client, **asked, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.text
    assert chunks[-1].choices[0].finish_reason == whole.finish_reason
    offsets = [c.choices[0].logprobs.text_offset for c in chunks if c.choices[0].logprobs]
    if whole.logprobs:
        assert [at for some in offsets for at in some] == whole.logprobs.text_offset
        assert "".join(whole.logprobs.tokens) == whole.text


def test_markers_are_plain_text_without_special(client: OpenAI, vocabulary: Llama) -> None:
    plain = ask(client, prompt=CHAT, max_tokens=1)
    special = ask(client, prompt=CHAT, max_tokens=1, extra_body={"special": True})
    tokens = vocabulary.tokenize([1, f"user\n{QUESTION}", 2, "\n", 1, "assistant\n"])
    whole = ask(client, model="ending", prompt=CHAT, max_tokens=200, extra_body={"special": True})
    assert plain.usage.prompt_tokens > special.usage.prompt_tokens
    assert special.usage.prompt_tokens == len(tokens)
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == (recited(), "stop")


def test_token_ids_are_accepted_and_echoed_as_text(client: OpenAI) -> None:
    answer = ask(client, prompt=[1, 28, 2], max_tokens=1, echo=True)
    assert answer.usage.prompt_tokens == 3
    assert answer.choices[0].text.startswith("<|im_start|>")
    with pytest.raises(openai.BadRequestError, match="beyond the vocabulary") as wrong:
        ask(client, prompt=[10**6])
    assert wrong.value.param == "prompt"


def test_repeated_prompt_is_cached(client: OpenAI) -> None:
    prompt = "It was a dark and stormy night in the old castle."
    ask(client, prompt=prompt, max_tokens=1)
    usage = ask(client, prompt=prompt, max_tokens=1).usage
    assert usage.prompt_tokens_details.cached_tokens == usage.prompt_tokens - 1


def test_too_long_prompt_returns_context_length_exceeded(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        ask(client, prompt=[5] * 5000)
    assert (wrong.value.code, wrong.value.param) == ("context_length_exceeded", "prompt")
