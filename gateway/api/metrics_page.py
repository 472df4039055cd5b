"""What `GET /metrics` tells: what was counted, and what each model's worker says at the moment.

`python -m gateway.api.metrics_page` prints docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.admission.admission import Admission
from gateway.models.handle import State
from gateway.models.model import Worker
from gateway.models.registry import Registry
from gateway.observe.metrics import PREFIX, Metrics


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that a worker gives; a counter starts anew with each worker."""

    name: str
    help: str
    value: Callable[[Worker], float]
    family: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily


READINGS = (
    Reading(
        "worker_resident_memory_bytes",
        "Memory of the worker; the pages of the model's file that it has mapped count too.",
        lambda worker: worker.resident_bytes,
    ),
    Reading(
        "sequences_running",
        "Answers that the model is reading a prompt for or writing.",
        lambda worker: worker.stats.running,
    ),
    Reading(
        "sequences_waiting",
        "Answers that wait until the context has room for them.",
        lambda worker: worker.stats.waiting,
    ),
    Reading(
        "context_tokens",
        "How many tokens the model's context holds.",
        lambda worker: worker.ready.context,
    ),
    Reading(
        "context_used_tokens",
        "How many it holds at the moment, idle prefixes included.",
        lambda worker: worker.stats.cells_used,
    ),
    Reading(
        "idle_prefixes",
        "Prompts and answers that stay in the context for those that begin alike.",
        lambda worker: worker.stats.idle_prefixes,
    ),
    Reading(
        "tokens_per_second",
        "Tokens that were written in the last second, of all answers; 0 at rest.",
        lambda worker: worker.stats.tokens_per_s,
    ),
    Reading(
        "steps",
        "Forward passes of the model.",
        lambda worker: worker.stats.steps,
        CounterMetricFamily,
    ),
    Reading(
        "masks",
        "Grammar masks that were computed, as a sampled token was not allowed.",
        lambda worker: worker.stats.masks,
        CounterMetricFamily,
    ),
    Reading(
        "mask_seconds",
        "Time that computing them took.",
        lambda worker: worker.stats.mask_s,
        CounterMetricFamily,
    ),
)

STATES = get_args(State)
STATE = (
    f"{PREFIX}_model_state",
    f"1 for the state that a model is in, of {', '.join(STATES)}; else 0.",
)
REFUSED = (
    f"{PREFIX}_config_refused",
    "1 while a changed models.yaml is not in force, as there is a mistake in it.",
)
WAITING = f"{PREFIX}_requests_waiting", "Requests that wait for their turn at a model."


class Readings:
    """All of it, for prometheus_client to write out."""

    def __init__(self, registry: Registry, admission: Admission):
        self._registry = registry
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.metrics.collect()
        state = GaugeMetricFamily(*STATE, labels=["model", "state"])
        waits = self._admission.waiting
        waiting = GaugeMetricFamily(*WAITING, labels=["model"])
        for name in self._registry.config.models:
            now = self._registry.status(name).state
            for one in STATES:
                state.add_metric([name, one], one == now)
            waiting.add_metric([name], waits[name])
        yield from (state, waiting)
        yield GaugeMetricFamily(*REFUSED, value=self._registry.refusal is not None)
        workers = self._registry.workers()
        for reading in READINGS:
            family = reading.family(f"{PREFIX}_{reading.name}", reading.help, labels=["model"])
            for name, worker in workers.items():
                family.add_metric([name], reading.value(worker))
            yield family


INTRODUCTION = """\
# Metrics

What `GET /metrics` tells, in Prometheus's text format, or OpenMetrics' if that is asked for. This page is made from
`gateway/metrics.py` and `gateway/readings.py` by `.venv/bin/python -m gateway.api.metrics_page > docs/metrics.md`; a test fails when it
is out of date.

`route` is a path as it is declared, or `other` where there is none; `model` a name in `models.yaml`, empty where no model
was asked for. What is counted of an answer is added when its request is over. What a worker knows is told once a second
while it works, and starts anew with each worker: `rate` bears that.

| name | kind | labels | what it is |
|---|---|---|---|
"""  # noqa: E501 - lines as long as the other pages have them

EXAMPLES = """
| asked | in PromQL |
|---|---|
| share of prompts that need not be read again | `rate(tool_gateway_prompt_cached_tokens_total[5m]) / rate(tool_gateway_prompt_tokens_total[5m])` |
| share of tokens that were skipped ahead | `rate(tool_gateway_forced_tokens_total[5m]) / rate(tool_gateway_generated_tokens_total[5m])` |
| share of calls that had to be repaired | `sum by (model) (rate(tool_gateway_calls_total{outcome="repaired"}[5m])) / sum by (model) (rate(tool_gateway_calls_total[5m]))` |
| how soon nine answers of ten begin | `histogram_quantile(0.9, sum by (le) (rate(tool_gateway_time_to_first_token_seconds_bucket[5m])))` |
"""  # noqa: E501 - each line of a table is one line


def as_markdown() -> str:
    """docs/metrics.md."""
    metrics = Metrics()
    rows = [
        _row(family.name, family.type, metrics.labels.get(family.name, ()), family.documentation)
        for family in metrics.collect()
    ]
    rows.append(_row(STATE[0], "gauge", ("model", "state"), STATE[1]))
    rows.append(_row(WAITING[0], "gauge", ("model",), WAITING[1]))
    rows.append(_row(REFUSED[0], "gauge", (), REFUSED[1]))
    for reading in READINGS:
        kind = "counter" if reading.family is CounterMetricFamily else "gauge"
        rows.append(_row(f"{PREFIX}_{reading.name}", kind, ("model",), reading.help))
    return INTRODUCTION + "\n".join(rows) + "\n" + EXAMPLES


def _row(name: str, kind: str, labels: tuple[str, ...], help: str) -> str:
    named = f"{name}_total" if kind == "counter" else name
    return f"| `{named}` | {kind} | {', '.join(labels)} | {help} |"


if __name__ == "__main__":
    print(as_markdown(), end="")
