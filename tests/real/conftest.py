"""Serves a mainstream model that nobody here has trained.

`real` has the chat template in its file, `json_block` the one of this repository.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import yaml

from tests import numerics
from tests.e2e.conftest import serving, unused_port
from tests.real.chat import Chat
from tests.real.fetch import PATH


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a running gateway."""
    assert PATH.is_file(), f"{PATH} is missing; `make test-real` fetches it"
    folder = tmp_path_factory.mktemp("real")
    entry = numerics.entry(source=str(PATH), context=16384, sampling={"temperature": 0})
    own = {
        "template": "qwen2.5-coder",
        "format": "json_block",
        "chat_template_kwargs": {"one_round": True},
    }
    models = {"real": entry, "json_block": {**entry, **own}}
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    port = unused_port()
    with serving(folder, port):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="session")
def chat(url: str) -> Iterator[Chat]:
    with httpx.Client(base_url=url, timeout=300) as client:
        yield Chat(client)
