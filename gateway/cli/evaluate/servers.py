"""The server that `eval` asks: one at a URL, or a gateway in this process."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import httpx

from gateway.app import create_app
from gateway.cli.options import entry_name, load_config
from gateway.config.load import Config, Entry
from gateway.errors import ConfigError

# Some servers close an idle connection just when the next request is sent on it.
NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)

# Keys of an entry that don't change its answers.
NO_SETTINGS = {"aliases", "preload", "pinned", "idle_s", "queue"}


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server whose base URL, `url`, ends in `/v1`."""

    url: str

    @property
    def about(self) -> str:
        return f"the server at {self.url}"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[httpx.AsyncClient]:
        key = os.environ.get("TOOL_GATEWAY_KEY", "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            client = httpx.AsyncClient(base_url=self.url, headers=headers, limits=NO_KEEPALIVE)
        except httpx.InvalidURL as error:
            raise ConfigError(f"--base-url {self.url} is not a URL: {error}") from error
        if not (client.base_url.scheme in ("http", "https") and client.base_url.host):
            raise ConfigError(
                f"--base-url {self.url} is not a URL of a server, such as http://127.0.0.1:8080/v1"
            )
        async with client:
            yield client


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A gateway in this process with one model, `name`; its worker ends with the connection."""

    config: Config
    name: str
    entry: Entry

    @property
    def key(self) -> str:
        """The name of the entry in models.yaml, of which `name` may be an alias."""
        return self.config.name_of(self.name) or self.name

    @property
    def about(self) -> str:
        keys = self.entry.model_dump(mode="json", exclude_defaults=True, exclude=NO_SETTINGS)
        if not self.entry.is_remote:
            keys["source"] = Path(self.entry.source).name
        if self.entry.lora:
            keys["lora"] = [[Path(path).name, scale] for path, scale in self.entry.lora]
        return f"this gateway, with `{json.dumps(keys, ensure_ascii=False)}`"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(self.config.model_copy(update={"models": {self.name: self.entry}}))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost/v1") as client,
        ):
            yield client


Server: TypeAlias = RemoteServer | OwnServer


def own_server(model: str, path: Path) -> OwnServer:
    """The server of a model of the models.yaml at `path`; raises ConfigError."""
    config = load_config(path)
    return OwnServer(config, model, config.models[entry_name(config, model)])
