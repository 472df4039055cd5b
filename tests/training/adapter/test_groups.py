"""Which conversations are read together, and in which order."""

from __future__ import annotations

import json
from pathlib import Path

from training.adapter import groups


def line(text: str, *tools: str, system: str = "") -> str:
    told = [{"role": "system", "content": system}] if system else []
    said = [*told, {"role": "user", "content": text}]
    return json.dumps({"tools": [*tools], "messages": said}) + "\n"


def test_conversations_that_begin_alike_are_a_group(tmp_path: Path) -> None:
    plain, others = [line(text, "a", "b") for text in "123456789"], [line("1", "a"), line("2", "a")]
    led = [line(text, "a", system="Be brief.") for text in "12"]
    (tmp_path / "lines").write_text("".join([*plain, *others, *led, plain[0]]))
    found = groups.read(tmp_path / "lines")
    assert found == [plain[:8], plain[8:], others, led, plain[:1]]


def test_every_group_comes_once_a_turn_wherever_one_starts() -> None:
    endless = groups.endlessly("abcde", seed=1)
    twice = [next(endless) for _ in range(10)]
    assert sorted(twice[:5]) == sorted(twice[5:]) == [*"abcde"]
    later = groups.endlessly("abcde", seed=1, start=7)
    assert [next(later) for _ in range(3)] == twice[7:]


def test_what_is_kept_apart_is_not_trained_on() -> None:
    some = [[i] * 6 for i in range(50)]
    train, kept = groups.parted(some, 100, seed=1)
    assert sum(map(len, kept)) == 102
    assert sorted(train + kept) == some
