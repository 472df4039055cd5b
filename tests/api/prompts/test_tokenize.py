"""Text to tokens and back, as vLLM and as llama-server have it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.generation import Tokens
from gateway.errors import BadRequest
from tests.api.encoder import ENTRY, Encoder
from tests.fakes import INFO, PIECES, SPECIAL, Script, gateway
from tests.remote.scripted import gateway_before, writes

IDS = [0, SPECIAL["<|im_end|>"], 6]
TOKENIZE, DETOKENIZE = "http://gateway/tokenize", "http://gateway/detokenize"


class Says(Script):
    """Tokenizes every text as `IDS`; BOS is added to it."""

    def __init__(self) -> None:
        super().__init__([])
        self.prompts: list[list[str | int]] = []

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        self.prompts.append(prompt)
        return Tokens([1, *IDS] if add_special else IDS)


async def ask(script: Script, url: str, body: dict[str, Any], **entry: Any) -> Any:
    async with gateway(script, **entry) as client:
        answer = await client.post(url, json={"model": "m", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(script: Script, url: str, body: dict[str, Any]) -> dict[str, Any]:
    async with gateway(script) as client:
        answer = await client.post(url, json={"model": "m", **body})
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


async def test_a_prompt_is_tokenized_as_vllm_does() -> None:
    asked = {"prompt": "Hi", "return_token_strs": True}
    assert await ask(Says(), TOKENIZE, asked) == {
        "count": 4,
        "max_model_len": INFO.context,
        "tokens": [1, *IDS],
        "token_strs": ["<|im_start|>", "Hi", "<|im_end|>", "\N{REPLACEMENT CHARACTER}"],
    }
    bare = await ask(Says(), TOKENIZE, {"prompt": "Hi", "add_special_tokens": False})
    assert (bare["tokens"], bare["token_strs"]) == (IDS, None)


async def test_content_is_tokenized_as_llama_server_does() -> None:
    assert (await ask(Says(), TOKENIZE, {"content": "Hi"}))["tokens"] == IDS
    asked = {"content": "Hi", "add_special": True, "with_pieces": True}
    assert (await ask(Says(), TOKENIZE, asked))["tokens"] == [
        {"id": 1, "piece": "<|im_start|>"},
        {"id": 0, "piece": "Hi"},
        {"id": 2, "piece": "<|im_end|>"},
        {"id": 6, "piece": [*PIECES[6]]},
    ]


PARTS: list[tuple[dict[str, Any], list[str | int]]] = [
    ({"prompt": "a<|im_end|>b"}, ["a", 2, "b"]),
    ({"content": "a<|im_end|>b", "parse_special": False}, ["a<|im_end|>b"]),
    ({"content": ""}, []),
]


@pytest.mark.parametrize(("asked", "parts"), PARTS)
async def test_texts_of_special_tokens_are_these_unless_the_client_says_otherwise(
    asked: dict[str, Any], parts: list[str | int]
) -> None:
    script = Says()
    await ask(script, TOKENIZE, asked)
    assert script.prompts == [parts]


@pytest.mark.parametrize("asked", [{}, {"prompt": "a", "content": "b"}])
async def test_a_request_has_one_text(asked: dict[str, Any]) -> None:
    assert (await refused(Says(), TOKENIZE, asked))["param"] == "prompt"


async def test_a_conversation_is_sent_elsewhere() -> None:
    error = await refused(Says(), TOKENIZE, {"messages": [{"role": "user", "content": "Hi"}]})
    assert error["param"] == "messages"
    assert "/v1/chat/completions/render" in error["message"]


async def test_tokens_have_a_text_under_the_names_of_both_servers() -> None:
    text = "Hi<|im_end|>\N{REPLACEMENT CHARACTER}"
    assert await ask(Says(), DETOKENIZE, {"tokens": IDS}) == {"prompt": text, "content": text}
    assert await ask(Says(), DETOKENIZE, {"tokens": []}) == {"prompt": "", "content": ""}


async def test_a_token_beyond_the_vocabulary_is_the_clients_fault() -> None:
    class Knows(Script):
        async def pieces(self, tokens: list[int]) -> list[bytes]:
            raise BadRequest("a token id is beyond the vocabulary, 0 to 31")

    error = await refused(Knows([]), DETOKENIZE, {"tokens": [32]})
    assert (error["param"], error["message"][:10]) == ("tokens", "a token id")
    assert (await refused(Script([]), DETOKENIZE, {"tokens": [-1]}))["param"] == "tokens.0"


async def test_embedding_models_tokenize() -> None:
    asked = await ask(Encoder(), TOKENIZE, {"prompt": "Hi"}, **ENTRY)
    assert asked["count"] == len(asked["tokens"])
    assert (await ask(Encoder(), DETOKENIZE, {"tokens": [0]}, **ENTRY))["content"] == "Hi"


@pytest.mark.parametrize(
    ("url", "asked"), [(TOKENIZE, {"prompt": "Hi"}), (DETOKENIZE, {"tokens": [1]})]
)
async def test_a_remote_model_does_not_tell_its_tokens(url: str, asked: dict[str, Any]) -> None:
    async with gateway_before(writes("")) as client:
        answer = await client.post(url, json={"model": "m", **asked})
    assert answer.status_code == 400
    assert "remote" in answer.json()["error"]["message"]
