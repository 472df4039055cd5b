"""The model's own answers are reproducible and prompted as a client would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.chat.request import Sampling
from tests.reciters import ending, endless, recited
from training.adapter import own
from training.adapter.tokenizer import Tokenizer


def test_questions_are_the_same_for_the_same_seed() -> None:
    questions = own.questions(50, seed=1)
    assert questions == own.questions(50, seed=1) != own.questions(50, seed=2)
    assert {messages[-1]["role"] for messages in questions} == {"user"}
    assert {messages[0]["role"] for messages in questions} == {"user", "system"}


@pytest.mark.model
@pytest.mark.parametrize(("model", "is_cut"), [(ending, False), (endless, True)])
async def test_a_truncated_answer_is_marked_as_cut(
    model: Callable[[Path, int], Path],
    is_cut: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(own, "MAX_TOKENS", 12)
    path = model(tmp_path, 8)
    monkeypatch.setattr(own, "gguf", lambda: path)
    monkeypatch.setattr(own, "SAMPLING", Sampling(temperature=0))
    questions = [[{"role": "user", "content": text}] for text in ("Say yes.", "Tell me a story.")]
    conversations = await own.answers(questions)
    assert [one["messages"][:-1] for one in conversations] == questions
    assert [one["is_cut"] for one in conversations] == [is_cut] * 2
    tokenizer = Tokenizer()
    for one in conversations:
        reply = one["messages"][-1]["content"]
        assert reply.startswith(recited(8))
        assert tokenizer.text(tokenizer.example(one).tokens).endswith(reply) == is_cut
