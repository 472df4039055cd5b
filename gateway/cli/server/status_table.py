"""The table of `tool-gateway ps`: the models of a running gateway."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gateway.cli.fitted_table import fitted_table
from gateway.cli.server.running_gateway import RunningGateway
from gateway.hub.sizes import progress_text

REFRESH_S = 1.0
TITLES = ("MODEL", "STATE", "MEMORY", "RUNNING", "WAITING", "CONTEXT", "TOKENS/S")
# The columns that are left out where the terminal is too narrow for all, one after the other.
DISPENSABLE = ("TOKENS/S", "WAITING", "CONTEXT", "RUNNING", "MEMORY")

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
    table = fitted_table(
        TITLES,
        rows(models, gateway.text("/metrics")),
        console,
        texts=2,
        dispensable=DISPENSABLE,
    )
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
