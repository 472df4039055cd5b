"""The table of `tool-gateway ps`: the models of a running gateway."""

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

REFRESH_S = 1.0
TITLES = ("MODEL", "STATE", "MEMORY", "RUNNING", "WAITING", "CONTEXT", "TOKENS/S")

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A running gateway: its URL, and the API key that it requires, if any."""

    url: str
    key: str = ""

    def rows(self) -> list[tuple[str, ...]]:
        """One row per model; raises GatewayError if the gateway does not respond."""
        models = self._get("/v1/models").json()
        return rows(models, self._get("/metrics").text)

    def faults(self) -> dict[str, str]:
        """Error messages by the name of the model or file."""
        faults: dict[str, str] = self._get("/health").json()["wrong"]
        return faults

    def _get(self, path: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            answer = httpx.get(self.url.rstrip("/") + path, headers=headers)
            return answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            cure = "; set its API key in TOOL_GATEWAY_KEY" if status in (401, 403) else ""
            raise GatewayError(f"{self.url}{path} returned {status}{cure}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayError(
                f"no gateway at {self.url}: {error}; start one with `tool-gateway serve`, or give"
                " its URL with --url"
            ) from error


def watch(source: Source, *, once: bool = False) -> None:
    """Print the table every second, or once with `once` or without a terminal."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    if once or not console.is_terminal:
        console.print(_screen(source))
        return
    first = _screen(source)
    with suppress(KeyboardInterrupt), Live(first, console=console, auto_refresh=False) as live:
        while True:
            time.sleep(REFRESH_S)
            live.update(_screen(source), refresh=True)


def rows(models: Any, metrics: str) -> list[tuple[str, ...]]:
    """One row per model, from the responses of `GET /v1/models` and `GET /metrics`."""
    numbers = _numbers(metrics)
    return [_row(model, numbers.get(model["id"], {})) for model in models["data"]]


def _numbers(metrics: str) -> dict[str, dict[str, float]]:
    """The samples whose only label is `model`, by model and by name."""
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


def _screen(source: Source) -> Group:
    faults = (Text(f"{name}: {reason}") for name, reason in source.faults().items())
    return Group(_table(source.rows()), *faults)


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, title in enumerate(TITLES):
        table.add_column(title, justify="left" if i < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
