"""What a server needs around it: a port, space for downloads, a way to the hub."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
from huggingface_hub import constants

from gateway.cli.inspect.doctor.machine import GB
from gateway.cli.inspect.finding import Finding, Level
from gateway.cli.server.running_gateway import RunningGateway
from gateway.errors import GatewayError

LITTLE_SPACE = 10 * GB  # a model of 7 billion parameters has 5 GB
GATEWAY_S = 2.0
HUB_S = 10.0


def findings(port: int, *, online: bool) -> Iterator[Finding]:
    """The port, the cache, and with `online` the hub."""
    yield _port(port)
    yield _cache(Path(constants.HF_HUB_CACHE))
    if online:
        yield _hub(constants.ENDPOINT)


def _port(port: int) -> Finding:
    subject = f"port {port}"
    try:
        with socket.create_server(("127.0.0.1", port)):
            return Finding(subject, "free")
    except OSError as error:
        reason = error.strerror
    try:
        RunningGateway(f"http://127.0.0.1:{port}").json("/health", timeout_s=GATEWAY_S)["states"]
    except (GatewayError, LookupError, TypeError):
        return Finding(subject, str(reason), Level.NOTE, f"tool-gateway serve --port {port + 1}")
    return Finding(subject, "a gateway is running here; `tool-gateway ps` shows its models")


def _cache(folder: Path) -> Finding:
    """The folder of downloads, which need not exist yet."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    text = f"{folder}, {free / GB:.1f} GB free"
    if not os.access(existing, os.W_OK):
        cure = "set HF_HOME to a folder that can be written"
        return Finding("downloads", f"{existing} can't be written", Level.PROBLEM, cure)
    if free < LITTLE_SPACE:
        cure = "`tool-gateway rm` deletes models; HF_HOME names another folder"
        return Finding("downloads", text, Level.NOTE, cure)
    return Finding("downloads", text)


def _hub(url: str) -> Finding:
    token = "HF_TOKEN is set" if os.environ.get("HF_TOKEN") else "HF_TOKEN is not set"
    try:
        status = httpx.head(url, timeout=HUB_S, follow_redirects=True).status_code
    except httpx.HTTPError as error:
        cure = "check the network, HTTPS_PROXY and HF_ENDPOINT"
        return Finding("hub", f"{url} does not answer: {error}", Level.PROBLEM, cure)
    return Finding("hub", f"{url} answers with status {status}; {token}")
