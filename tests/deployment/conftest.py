"""Three gateways with scripted engines, and a real proxy in front of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from gateway.api.server.serve import Server
from tests.deployment.proxies import proxied
from tests.fakes import Script, chat, scripted
from tests.served import serving

SESSION = "x-session-id"
NAMES = ("first", "second", "third")


@dataclass
class Backend:
    """One gateway; `stop` ends it."""

    script: Script
    url: str
    server: Server
    stop: Callable[[], object]


@dataclass
class Fleet:
    """A client of the proxy, and the gateways behind it."""

    client: httpx.Client
    backends: list[Backend]

    def say(self, headers: dict[str, str]) -> str:
        """The answer of the gateway that the request reaches."""
        answer = self.client.post("/v1/chat/completions", json=chat(), headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["message"]["content"])

    def session_of(self, name: str) -> dict[str, str]:
        """The header of a session that reaches the gateway that answers `name`."""
        sessions = ({SESSION: f"session-{number}"} for number in range(1000))
        return next(headers for headers in sessions if self.say(headers) == name)


Start: TypeAlias = Callable[..., AbstractContextManager[Fleet]]


@pytest.fixture(params=["envoy", "nginx"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Starts a proxy with three gateways, which by default answer with one of `NAMES`."""

    @contextmanager
    def started(*scripts: Script, grace_s: float = 0, **more: Any) -> Iterator[Fleet]:
        chosen = scripts or [Script([scripted(name, cut=100)]) for name in NAMES]
        with ExitStack() as stack:
            backends = []
            for script in chosen:
                own = stack.enter_context(ExitStack())
                url, server = own.enter_context(serving(script, grace_s, **more))
                backends.append(Backend(script, url, server, own.close))
            urls = [backend.url for backend in backends]
            url = stack.enter_context(proxied(request.param, urls, tmp_path))
            client = stack.enter_context(httpx.Client(base_url=url, timeout=5))
            yield Fleet(client, backends)

    return started
