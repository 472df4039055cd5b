"""GET /metrics: the gateway's counters, and the current readings of each model's worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.admission.admission import Admission
from gateway.engine.engine import Engine
from gateway.models.handle import State
from gateway.models.registry import Registry
from gateway.observe.metrics import PREFIX

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that a worker gives; a counter starts anew with each worker."""

    name: str
    help: str
    value: Callable[[Engine], float]
    family: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily


READINGS = (
    Reading(
        "worker_resident_memory_bytes",
        "Memory of the worker; the pages of the model's file that it has mapped count too.",
        lambda engine: engine.resident_bytes,
    ),
    Reading(
        "sequences_running",
        "Answers that the model is reading a prompt for or writing.",
        lambda engine: engine.stats.running,
    ),
    Reading(
        "sequences_waiting",
        "Answers that wait until the context has room for them.",
        lambda engine: engine.stats.waiting,
    ),
    Reading(
        "context_tokens",
        "How many tokens the model's context holds.",
        lambda engine: engine.info.context,
    ),
    Reading(
        "context_used_tokens",
        "How many it holds at the moment, idle prefixes included.",
        lambda engine: engine.stats.kv_cells_used,
    ),
    Reading(
        "idle_prefixes",
        "Prompts and answers that stay in the context for those that begin alike.",
        lambda engine: engine.stats.idle_prefixes,
    ),
    Reading(
        "tokens_per_second",
        "Tokens that were written in the last second, of all answers; 0 at rest.",
        lambda engine: engine.stats.tokens_per_s,
    ),
    Reading(
        "steps",
        "Forward passes of the model.",
        lambda engine: engine.stats.steps,
        CounterMetricFamily,
    ),
    Reading(
        "masks",
        "Grammar masks that were computed, as a sampled token was not allowed.",
        lambda engine: engine.stats.masks,
        CounterMetricFamily,
    ),
    Reading(
        "mask_seconds",
        "Time that computing them took.",
        lambda engine: engine.stats.mask_s,
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
        engines = self._registry.engines()
        for reading in READINGS:
            family = reading.family(f"{PREFIX}_{reading.name}", reading.help, labels=["model"])
            for name, engine in engines.items():
                family.add_metric([name], reading.value(engine))
            yield family


@router.get("/metrics", response_class=Response)
async def metrics(http: Request) -> Response:
    """What the gateway and its workers did and do; docs/metrics.md says what each number is."""
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    encode, kind = choose_encoder(http.headers.get("accept", ""))
    return Response(encode(Readings(registry, admission)), headers={"content-type": kind})
