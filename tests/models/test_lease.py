"""A model is in use from when somebody waits for it until all have left."""

from __future__ import annotations

import asyncio

import pytest

from gateway.models import lease as use
from gateway.models.lease import Use


async def test_it_is_in_use_while_somebody_waits_is_about_to_come_in_or_is_inside() -> None:
    used = Use()
    with used.waiting():
        assert not used.is_idle
        used.hand()
    assert not used.is_idle
    with used:
        assert not used.is_idle
    assert used.is_idle


async def test_each_who_comes_in_is_one_of_those_it_was_handed_to() -> None:
    used = Use()
    used.hand()
    used.hand()
    with used:
        pass
    assert not used.is_idle
    with used, used:
        pass
    assert used.is_idle


async def test_who_never_comes_in_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "HANDED_S", 0.01)
    used = Use()
    used.hand()
    await asyncio.wait_for(used.idle(), timeout=10)
    with used:
        assert not used.is_idle


async def test_it_was_last_used_when_the_last_one_left() -> None:
    now_s = [1.0]
    used = Use(lambda: now_s[0])
    with used:
        now_s[0] = 5.0
        assert used.last_s > 1000
    assert used.last_s == 5.0
