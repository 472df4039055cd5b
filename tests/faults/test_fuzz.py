"""Random bodies of all dialects get a response that a client may get, and the gateway goes on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from urllib.parse import urlsplit

import pytest

from bench.attack.fuzz import Found, send
from bench.attack.random_bodies import RandomBodies
from tests.depth import pick
from tests.faults.gateway import Gateway, running

pytestmark = pytest.mark.model

REQUESTS = pick(fast=60, deep=1000)
ENCODER = {"embeddings": True, "context": 512, "llama": {"pooling": "last"}}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    models = {"m": {"context": 512}, "other": {"context": 512}, "embed": ENCODER}
    with running(tmp_path_factory.mktemp("fuzzed"), models) as gateway:
        yield gateway


async def test_random_bodies_get_no_unexpected_error(fuzzed: Gateway) -> None:
    bodies, found = RandomBodies(Random(7)), Found()
    for _ in range(REQUESTS):
        send(urlsplit(fuzzed.url).port or 0, *bodies.next(), found)
    assert found.faults == []
    assert found.statuses["200"]
    assert found.statuses["400"]
    assert (await fuzzed.ask("m")).finish == "length"


def test_the_same_seed_draws_the_same_bodies() -> None:
    one, other = (RandomBodies(Random(3)) for _ in range(2))
    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]
