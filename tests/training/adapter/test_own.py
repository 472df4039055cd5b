"""The model's own answers are asked for as a client would ask, and again alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.chat.request import Sampling
from tests.reciters import ending, endless, recited
from training.adapter import own
from training.adapter.spelling import Speller


def test_questions_are_the_same_for_the_same_seed() -> None:
    asked = own.asked(50, seed=1)
    assert asked == own.asked(50, seed=1) != own.asked(50, seed=2)
    assert {messages[-1]["role"] for messages in asked} == {"user"}
    assert {messages[0]["role"] for messages in asked} == {"user", "system"}


@pytest.mark.model
@pytest.mark.parametrize(("model", "is_cut"), [(ending, False), (endless, True)])
async def test_what_is_cut_off_is_told_from_what_has_ended(
    model: Callable[[Path, int], Path],
    is_cut: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(own, "MOST_TOKENS", 12)
    path = model(tmp_path, 8)
    monkeypatch.setattr(own, "gguf", lambda: path)
    monkeypatch.setattr(own, "SAMPLING", Sampling(temperature=0))
    asked = [[{"role": "user", "content": text}] for text in ("Say yes.", "Tell me a story.")]
    told = await own.answered(asked)
    assert [one["messages"][:-1] for one in told] == asked
    assert [one["is_cut"] for one in told] == [is_cut] * 2
    speller = Speller()
    for one in told:
        said = one["messages"][-1]["content"]
        assert said.startswith(recited(8))
        assert speller.text(speller.spell(one).tokens).endswith(said) == is_cut
