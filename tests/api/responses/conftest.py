"""Where the responses of a test are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.api.responses.stored.store import ResponseStore
from tests import fakes, postgres
from tests.api.responses.databases import Storage, database

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
SHARED = ("file", POSTGRES)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(params=("memory", *SHARED))
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """The section `responses` of models.yaml, for an empty database."""
    match request.param:
        case "postgres":
            server: postgres.Server = request.getfixturevalue("server")
            return {"url": server.new_schema()}
        case "file":
            return {"file": str(tmp_path / "responses.sqlite")}
    return {}


@pytest.fixture
def new_store(storage: Storage) -> Iterator[Callable[..., ResponseStore]]:
    """Opens a store; what is shared between stores is the database of `storage`."""
    stores = []

    def opened(**options: Any) -> ResponseStore:
        stores.append(ResponseStore(database(storage), **options))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def gateway(storage: Storage) -> Callable[..., Any]:
    """`fakes.gateway` with the database of `storage`."""
    return partial(fakes.gateway, settings={"responses": storage})
