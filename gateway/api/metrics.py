"""GET /metrics: the counters of the gateway and the current readings of each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    """A number that a worker reports; a counter resets when the worker restarts."""

    name: str
    help: str
    value: Callable[[Engine], float]
    family: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily


READINGS = (
    Reading(
        "worker_resident_memory_bytes",
        "Resident memory of the worker, including mapped pages of the model file.",
        lambda engine: engine.resident_bytes,
    ),
    Reading(
        "sequences_running",
        "Sequences in prefill or decode.",
        lambda engine: engine.stats.running,
    ),
    Reading(
        "sequences_waiting",
        "Sequences waiting for room in the KV cache.",
        lambda engine: engine.stats.waiting,
    ),
    Reading(
        "context_tokens",
        "Context size in tokens.",
        lambda engine: engine.info.context,
    ),
    Reading(
        "context_used_tokens",
        "Tokens in the KV cache, including idle prefixes.",
        lambda engine: engine.stats.kv_cells_used,
    ),
    Reading(
        "idle_prefixes",
        "Finished sequences whose tokens stay in the KV cache as reusable prefixes.",
        lambda engine: engine.stats.idle_prefixes,
    ),
    Reading(
        "tokens_per_second",
        "Tokens generated in the last second, over all sequences; 0 when idle.",
        lambda engine: engine.stats.tokens_per_s,
    ),
    Reading(
        "steps",
        "Batches decoded.",
        lambda engine: engine.stats.steps,
        CounterMetricFamily,
    ),
    Reading(
        "masks",
        "Grammar masks computed because the sampled token was not allowed.",
        lambda engine: engine.stats.masks,
        CounterMetricFamily,
    ),
    Reading(
        "mask_seconds",
        "Time spent computing grammar masks.",
        lambda engine: engine.stats.mask_s,
        CounterMetricFamily,
    ),
)

STATES = tuple(state.value for state in State)
STATE = (
    f"{PREFIX}_model_state",
    f"1 for the current state of a model, out of {', '.join(STATES)}; 0 for the others.",
)
REFUSED = (
    f"{PREFIX}_config_refused",
    "1 while a changed models.yaml is not applied because it has an error.",
)
WAITING = f"{PREFIX}_requests_waiting", "Requests queued for a model."


class Readings:
    """A collector of all metrics, for prometheus_client to encode."""

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
        yield GaugeMetricFamily(*REFUSED, value=self._registry.config_error is not None)
        engines = self._registry.engines()
        for reading in READINGS:
            family = reading.family(f"{PREFIX}_{reading.name}", reading.help, labels=["model"])
            for name, engine in engines.items():
                family.add_metric([name], reading.value(engine))
            yield family


@router.get("/metrics", response_class=Response)
async def metrics(http: Request) -> Response:
    """Metrics in Prometheus's text format; docs/metrics.md describes them."""
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    encode, kind = choose_encoder(http.headers.get("accept", ""))
    return Response(encode(Readings(registry, admission)), headers={"content-type": kind})
