"""Grouping and ordering of conversations."""

from __future__ import annotations

import json
from pathlib import Path

from training.adapter import groups


def line(text: str, *tools: str, system: str = "") -> str:
    prefix = [{"role": "system", "content": system}] if system else []
    messages = [*prefix, {"role": "user", "content": text}]
    return json.dumps({"tools": [*tools], "messages": messages}) + "\n"


def test_conversations_with_equal_tools_and_system_message_are_a_group(tmp_path: Path) -> None:
    plain, others = [line(text, "a", "b") for text in "123456789"], [line("1", "a"), line("2", "a")]
    with_system = [line(text, "a", system="Be brief.") for text in "12"]
    (tmp_path / "lines").write_text("".join([*plain, *others, *with_system, plain[0]]))
    found = groups.read(tmp_path / "lines")
    assert found == [plain[:8], plain[8:], others, with_system, plain[:1]]


def test_every_group_comes_once_per_epoch_from_any_start() -> None:
    endless = groups.epochs("abcde", seed=1)
    twice = [next(endless) for _ in range(10)]
    assert sorted(twice[:5]) == sorted(twice[5:]) == [*"abcde"]
    later = groups.epochs("abcde", seed=1, start=7)
    assert [next(later) for _ in range(3)] == twice[7:]


def test_validation_groups_are_not_in_the_training_set() -> None:
    some = [[i] * 6 for i in range(50)]
    train, validation = groups.split(some, 100, seed=1)
    assert sum(map(len, validation)) == 102
    assert sorted(train + validation) == some
