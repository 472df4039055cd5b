"""What the models of a running gateway do, as a table in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.errors import GatewayError

EVERY_S = 1.0
TITLES = ("MODEL", "STATE", "MEMORY", "RUNNING", "WAITING", "CONTEXT", "TOKENS/S")

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway's address, and the key that it asks for, if any."""

    url: str
    key: str = ""

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each model; raises GatewayError if the gateway does not answer."""
        models = self._get("/v1/models").json()
        return rows(models, self._get("/metrics").text)

    def wrong(self) -> dict[str, str]:
        """What is wrong, by the model or the file that it is wrong with."""
        told: dict[str, str] = self._get("/health").json()["wrong"]
        return told

    def _get(self, path: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            answer = httpx.get(self.url.rstrip("/") + path, headers=headers)
            return answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            cure = "; give its key as TOOL_GATEWAY_KEY" if status in (401, 403) else ""
            raise GatewayError(f"{self.url}{path} answers {status}{cure}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayError(
                f"no gateway answers at {self.url}: {error}; start one with `tool-gateway serve`,"
                " or give its address with --url"
            ) from error


def watch(source: Source, *, once: bool = False) -> None:
    """Print the table, once or anew each second; without a terminal, once."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    if once or not console.is_terminal:
        console.print(_shown(source))
        return
    first = _shown(source)
    with suppress(KeyboardInterrupt), Live(first, console=console, auto_refresh=False) as live:
        while True:
            time.sleep(EVERY_S)
            live.update(_shown(source), refresh=True)


def rows(models: Any, metrics: str) -> list[tuple[str, ...]]:
    """What `GET /v1/models` and `GET /metrics` say of each model."""
    numbers = _numbers(metrics)
    return [_row(model, numbers.get(model["id"], {})) for model in models["data"]]


def _numbers(metrics: str) -> dict[str, dict[str, float]]:
    """Of each model, what has no other label."""
    numbers: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.labels.keys() == {"model"}:
                name = sample.name.removeprefix("tool_gateway_")
                numbers.setdefault(sample.labels["model"], {})[name] = sample.value
    return numbers


def _row(model: Mapping[str, Any], numbers: Numbers) -> tuple[str, ...]:
    state = str(model["state"])
    if "context_tokens" not in numbers:
        return (model["id"], state, *[""] * (len(TITLES) - 2))
    used, context = numbers["context_used_tokens"], numbers["context_tokens"]
    waiting = numbers["requests_waiting"] + numbers["sequences_waiting"]
    return (
        model["id"],
        state,
        f"{numbers['worker_resident_memory_bytes'] / 2**20:,.0f} MiB",
        f"{numbers['sequences_running']:.0f}",
        f"{waiting:.0f}",
        f"{used:.0f}/{context:.0f} ({used / context:.0%})",
        f"{numbers['tokens_per_second']:.1f}",
    )


def _shown(source: Source) -> Group:
    wrong = (Text(f"{name}: {reason}") for name, reason in source.wrong().items())
    return Group(_table(source.rows()), *wrong)


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, title in enumerate(TITLES):
        table.add_column(title, justify="left" if i < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
