"""Hostile clients get what they may get, and others their answers meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bench.attack.attack import Attack, End
from bench.attack.attacker import Attacker
from bench.attack.attacks import ATTACKS
from tests.faults.gateway import Gateway, running

pytestmark = pytest.mark.model

PATIENCE_S = 60


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose model `m` is attacked, and `other` is not."""
    with running(tmp_path_factory.mktemp("attacked"), {"m": {}, "other": {}}) as gateway:
        yield gateway


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=[*ATTACKS])
async def test_another_client_is_served_during_an_attack(attacked: Gateway, attack: Attack) -> None:
    attacker = Attacker(attack, urlsplit(attacked.url).port or 0)
    attacker.start()
    try:
        assert (await attacked.ask("other")).finish == "length"
        if attack.end is End.HOLD:
            assert not attacker.wait(0)  # the connections are still held
        else:
            assert await asyncio.to_thread(attacker.wait, PATIENCE_S)
    finally:
        attacker.stop()
    assert {*attacker.outcomes} <= attack.outcomes
    assert sum(attacker.outcomes.values()) == attack.connections
    assert (await attacked.ask("m")).finish == "length"
