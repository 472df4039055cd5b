"""A gateway of a chat's own: a child process that serves as long as the chat lasts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.cli.chat.client import Gateway
from gateway.cli.server.running_gateway import NoGateway
from gateway.errors import GatewayError

POLL_S = 0.05
STOP_S = 10.0


@contextmanager
def own_gateway(*arguments: str) -> Iterator[Gateway]:
    """A gateway on a free port, with these arguments of `tool-gateway serve`.

    It logs to a temporary file, which an error names and which is deleted otherwise.
    """
    port = _free_port()
    handle, log = tempfile.mkstemp(prefix="tool-gateway-", suffix=".log")
    with os.fdopen(handle, "wb") as output:
        child = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "gateway.cli.chat.until_eof",
                f"--port={port}",
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={name: os.environ[name] for name in os.environ if name != "TOOL_GATEWAY_KEYS"},
            start_new_session=True,  # the terminal's Ctrl-C is for the chat
        )
    try:
        gateway = Gateway(f"http://127.0.0.1:{port}", "")
        _wait(gateway, child, Path(log))
        yield gateway
    finally:
        _stop(child)
    Path(log).unlink()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
    return port


def _wait(gateway: Gateway, child: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until the gateway answers; raises GatewayError with its last words if it ends."""
    while child.poll() is None:
        with suppress(NoGateway):
            gateway.models()
            return
        time.sleep(POLL_S)
    lines = log.read_text(errors="replace").strip().splitlines() or ["it logged nothing"]
    reason = lines[-1].removeprefix("error: ")
    raise GatewayError(f"the gateway did not start: {reason} (its log is {log})")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """The child ends when its input does."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
