"""What the embedded model would be asked, and its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.worker.llama.model import Llama
from tests.fakes import TOOLS, chat

pytestmark = pytest.mark.model

TEXT = "Grüße, 世界! 🙂"


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=120) as client:
        yield client


def post(http: httpx.Client, path: str, **body: Any) -> Any:
    answer = http.post(path, json={"model": "smollm2", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_rendered_prompt_has_the_tokens_that_an_answer_counts(http: httpx.Client) -> None:
    asked = chat(model="smollm2", tools=TOOLS, max_tokens=4)
    path = "/v1/chat/completions"
    usage = post(http, path, **asked)["usage"]
    shown = post(http, f"{path}/render", **asked)
    assert len(shown["token_ids"]) == usage["prompt_tokens"]
    again = post(http, path, **asked)["usage"]
    assert shown["cached_tokens"] == again["prompt_tokens_details"]["cached_tokens"] > 0
    assert post(http, "/detokenize", tokens=shown["token_ids"])["prompt"] == shown["prompt"]


def test_a_text_comes_back_from_its_tokens(http: httpx.Client, vocabulary: Llama) -> None:
    found = post(http, "/tokenize", content=f"{TEXT}<|im_end|>", with_pieces=True)["tokens"]
    ids = [token["id"] for token in found]
    assert ids == vocabulary.tokenize([TEXT, 2], add_special=False)
    pieces = (token["piece"] for token in found)
    encoded = [piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces]
    assert b"".join(encoded).decode() == f"{TEXT}<|im_end|>"
    assert post(http, "/detokenize", tokens=ids)["content"] == f"{TEXT}<|im_end|>"


def test_a_token_beyond_the_vocabulary_does_not_end_the_worker(http: httpx.Client) -> None:
    refused = http.post("/detokenize", json={"model": "smollm2", "tokens": [10**6]})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "tokens"
    assert post(http, "/detokenize", tokens=[1])["content"] == "<|im_start|>"
