"""The table of `tool-gateway ps`: the models of a running gateway."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.server.running_gateway import RunningGateway
from gateway.hub.sizes import progress_text

REFRESH_S = 1.0
TITLES = ("MODEL", "STATE", "MEMORY", "RUNNING", "WAITING", "CONTEXT", "TOKENS/S")
# The columns that are left out where the terminal is too narrow for all, one after the other.
DISPENSABLE = ("TOKENS/S", "WAITING", "CONTEXT", "RUNNING", "MEMORY")
UNLIMITED = 10_000  # columns

Numbers = Mapping[str, float]


def watch(gateway: RunningGateway, *, once: bool = False) -> None:
    """Print the table every second, or once with `once` or without a terminal."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    if once or not console.is_terminal:
        console.print(_screen(gateway, console))
        return
    first = _screen(gateway, console)
    with suppress(KeyboardInterrupt), Live(first, console=console, auto_refresh=False) as live:
        while True:
            time.sleep(REFRESH_S)
            live.update(_screen(gateway, console), refresh=True)


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
    state = _state(model)
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


def _state(model: Mapping[str, Any]) -> str:
    """The state of a model; of one that loads, also how far it is."""
    if progress := model.get("progress"):
        return f"{progress['stage']} {progress['share']:.0%}"
    return str(model["state"])


def _screen(gateway: RunningGateway, console: Console) -> Group:
    models = gateway.json("/v1/models")
    table = _fitted(rows(models, gateway.text("/metrics")), console)
    wrong = gateway.json("/health")["wrong"]
    return Group(
        table,
        *(Text(line) for line in _downloads(models)),
        *(Text(f"{name}: {reason}") for name, reason in wrong.items()),
    )


def _downloads(models: Any) -> list[str]:
    """A line for each model that is being downloaded."""
    found = [(model["id"], model["progress"]) for model in models["data"] if model.get("progress")]
    return [
        f"{name}: {progress_text(one['done_bytes'], one['total_bytes'], one['bytes_per_s'])}"
        for name, one in found
        if one["total_bytes"] is not None
    ]


def _fitted(rows: list[tuple[str, ...]], console: Console) -> Table:
    """The table without the columns for which the terminal is too narrow."""
    left_out: list[str] = []
    unlimited = console.options.update_width(UNLIMITED)
    for title in (*DISPENSABLE, None):
        table = _table(rows, left_out)
        if title is None or console.measure(table, options=unlimited).maximum <= console.width:
            break
        left_out.append(title)
    return table


def _table(rows: list[tuple[str, ...]], left_out: Collection[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown = [i for i, title in enumerate(TITLES) if title not in left_out]
    for i in shown:
        table.add_column(TITLES[i], justify="left" if i < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[i] for i in shown))
    return table
