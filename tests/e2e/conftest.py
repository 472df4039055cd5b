"""Starts a gateway in a separate process, with the embedded model."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openai import AsyncOpenAI, OpenAI

from tests import numerics, reciters

REPO = Path(__file__).parent.parent.parent
TOOL_GATEWAY = Path(sys.executable).parent / "tool-gateway"


def default_entry() -> dict[str, Any]:
    """Returns the default model's entry of models.yaml."""
    entry: dict[str, Any] = yaml.safe_load((REPO / "models.yaml").read_text())["models"]["smollm2"]
    return entry


def readme_request() -> dict[str, Any]:
    """Returns the body of the README's request with curl."""
    page = (REPO / "README.md").read_text()
    [body] = re.findall(r"^curl \S*/v1/chat/completions .* -d '(.*?)'$", page, re.DOTALL | re.M)
    request: dict[str, Any] = json.loads(body)
    return request


def plain_entry() -> dict[str, Any]:
    """Returns the default entry without its adapter, for tests with long answers."""
    entry = {**default_entry(), "template": "smollm2"}
    del entry["lora"]
    return entry


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded default at temperature 0, and three models that recite words."""
    folder = tmp_path_factory.mktemp("gateway")
    entry = numerics.entry(**{**default_entry(), "context": 4096})
    entry["sampling"] = {**entry["sampling"], "temperature": 0}
    models = {
        "smollm2": entry,
        "ending": reciters.entry(reciters.ending(folder)),
        "endless": reciters.entry(reciters.endless(folder)),
        "calling": reciters.entry(reciters.calling(folder)),
    }
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}, sort_keys=False))
    return folder


@pytest.fixture(scope="session")
def free_port() -> int:
    return unused_port()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def gateway(folder: Path, free_port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A running gateway."""
    with serving(folder, free_port) as process:
        yield process


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a gateway for the models of a folder, and terminates it on exit."""
    config = str(folder / "models.yaml")
    command = [str(TOOL_GATEWAY), "serve", "--port", str(port), "--config", config]
    with running(command, port, folder / "log") as process:
        yield process


@contextmanager
def running(
    command: Sequence[str], port: int, log: Path, **where: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a gateway at `port`, whose standard error goes to `log`; terminates it on exit.

    Fails if the gateway logged an unexpected exception of its own.
    """
    with log.open("w") as stderr, subprocess.Popen(command, stderr=stderr, **where) as process:
        try:
            _wait_until_up(f"http://127.0.0.1:{port}", process, log)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert not re.search("^Traceback", log.read_text(), re.MULTILINE), log.read_text()


@pytest.fixture
def server(gateway: subprocess.Popen[bytes], free_port: int) -> str:
    """The URL of the running gateway."""
    assert gateway.poll() is None
    return f"http://127.0.0.1:{free_port}"


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"the gateway did not start:\n{log.read_text()}"
        try:
            httpx.get(f"{url}/health").raise_for_status()
            return
        except (httpx.ConnectError, httpx.ReadTimeout):  # it starts slowly on a busy machine
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


@pytest.fixture
def client(server: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture
async def async_client(server: str) -> AsyncIterator[AsyncOpenAI]:
    url = f"{server}/v1"
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=600) as client:
        yield client
