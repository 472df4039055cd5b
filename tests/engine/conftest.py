from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateway.engine.client import Client
from tests import numerics

CONTEXT = 1024


@pytest_asyncio.fixture
async def client(model_path: Path) -> AsyncIterator[Client]:
    client = await Client.start(numerics.engine_options(model_path, CONTEXT))
    yield client
    await client.stop()
