"""The model's own answers are asked for as a client would ask, and again alike."""

from __future__ import annotations

import pytest

from training.adapter import own
from training.adapter.spelling import Speller


def test_questions_are_the_same_for_the_same_seed() -> None:
    asked = own.asked(50, seed=1)
    assert asked == own.asked(50, seed=1) != own.asked(50, seed=2)
    assert {messages[-1]["role"] for messages in asked} == {"user"}
    assert {messages[0]["role"] for messages in asked} == {"user", "system"}


@pytest.mark.model
async def test_what_is_cut_off_is_told_from_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "MOST_TOKENS", 12)
    word, story = (
        [{"role": "user", "content": text}]
        for text in ("Say only the word yes.", "Tell me a long story about a fox.")
    )
    told = await own.answered([word, story])
    assert [one["messages"][:-1] for one in told] == [word, story]
    assert [one["is_cut"] for one in told] == [False, True]
    speller = Speller()
    for one in told:
        said = one["messages"][-1]["content"]
        assert said.strip()
        assert speller.text(speller.spell(one).tokens).endswith(said) == one["is_cut"]
