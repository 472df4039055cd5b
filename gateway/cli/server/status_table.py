"""The table of `tool-gateway ps`: the models of a running gateway."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TypeAlias

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gateway.cli.fitted_table import fitted_table
from gateway.cli.server.running_gateway import RunningGateway
from gateway.hub.sizes import progress_text

REFRESH_S = 1.0
REPLICA = "REPLICA"  # the first column, if the gateway is a cluster
TITLES = ("MODEL", "STATE", "MEMORY", "RUNNING", "WAITING", "CONTEXT", "TOKENS/S")
# The columns that are left out where the terminal is too narrow for all, one after the other.
DISPENSABLE = ("TOKENS/S", "WAITING", "CONTEXT", "RUNNING", "MEMORY")

Numbers: TypeAlias = Mapping[str, float]
Row: TypeAlias = tuple[str, ...]
Replicas: TypeAlias = Mapping[str, Mapping[str, Any]]


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


def rows(models: Any, metrics: str, replicas: Replicas = MappingProxyType({})) -> list[Row]:
    """One row per model, from the responses of `GET /v1/models` and `GET /metrics`.

    For a cluster it is one per replica and model, with `replicas` of the response of `GET /health`.
    """
    numbers = _numbers(metrics)
    if not replicas:
        return [_row(model, numbers.get(("", model["id"]), {})) for model in models["data"]]
    return [
        (replica, *_row(_on(health, model), numbers.get((replica, model["id"]), {})))
        for replica, health in sorted(replicas.items())
        for model in models["data"]
    ]


def _on(health: Mapping[str, Any], model: Mapping[str, Any]) -> Mapping[str, Any]:
    """`model` with its state and its progress on one replica."""
    name = model["id"]
    progress = health.get("progress", {}).get(name)
    return {"id": name, "state": health["states"][name], "progress": progress}


def _numbers(metrics: str) -> dict[tuple[str, str], dict[str, float]]:
    """The samples without other labels than `model` and `replica`, by replica, model and name."""
    numbers: dict[tuple[str, str], dict[str, float]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            labels = dict(sample.labels)
            key = labels.pop("replica", ""), labels.pop("model", "")
            if not labels:
                name = sample.name.removeprefix("tool_gateway_")
                numbers.setdefault(key, {})[name] = sample.value
    return numbers


def _row(model: Mapping[str, Any], numbers: Numbers) -> Row:
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
    models, health = gateway.json("/v1/models"), gateway.json("/health")
    replicas = health.get("replicas", {})
    titles = (REPLICA, *TITLES) if replicas else TITLES
    table = fitted_table(
        titles,
        rows(models, gateway.text("/metrics"), replicas),
        console,
        texts=titles.index("STATE") + 1,
        dispensable=DISPENSABLE,
    )
    return Group(
        table,
        *(Text(line) for line in _downloads(models)),
        *(Text(f"{name}: {reason}") for name, reason in health["wrong"].items()),
    )


def _downloads(models: Any) -> list[str]:
    """A line for each model that is being downloaded."""
    found = [(model["id"], model["progress"]) for model in models["data"] if model.get("progress")]
    return [
        f"{name}: {progress_text(one['done_bytes'], one['total_bytes'], one['bytes_per_s'])}"
        for name, one in found
        if one["total_bytes"] is not None
    ]
