"""A gateway of a chat's own: a child process that serves as long as the chat lasts."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from gateway.cli.chat.client import Gateway
from gateway.cli.server.running_gateway import NoGateway
from gateway.errors import GatewayError

POLL_S = 0.05
STOP_S = 10.0


@contextmanager
def own_gateway(*arguments: str) -> Iterator[Gateway]:
    """A gateway on a free port, with these arguments of `tool-gateway serve`.

    Raises GatewayError, at the end of the context at the latest, if the gateway ends by itself. It
    names the log, a temporary file that is deleted otherwise.
    """
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _exit)  # so that the log is deleted
    port = _free_port()
    handle, name = tempfile.mkstemp(prefix="tool-gateway-", suffix=".log")
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
    gateway = Gateway(f"http://127.0.0.1:{port}", "")
    try:
        _wait(gateway, child)
        yield gateway
    finally:
        _end(child, Path(name))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
    return port


def _wait(gateway: Gateway, child: subprocess.Popen[bytes]) -> None:
    """Waits until the gateway answers; raises NoGateway if it ends instead."""
    while child.poll() is None:
        with suppress(NoGateway):
            gateway.models()
            return
        time.sleep(POLL_S)
    raise NoGateway("the gateway did not start")


def _end(child: subprocess.Popen[bytes], log: Path) -> None:
    """Ends the child by ending its input, and deletes its log.

    Raises GatewayError if it has ended by itself: with its error if it refused to start, otherwise
    with its last words and the path of its log.
    """
    if child.poll() is not None:
        text = log.read_text(errors="replace").strip()
        if refusal := re.search("^error: (.*)", text, re.MULTILINE | re.DOTALL):
            log.unlink()
            raise GatewayError(refusal[1])
        last = text.splitlines()[-1:] or ["it logged nothing"]
        raise GatewayError(f"the gateway ended: {last[0]} (its log is {log})")
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        log.unlink()


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
