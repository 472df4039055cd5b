"""Counters and histograms of `GET /metrics`; each app has its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.metrics_core import Metric

from gateway.observe.call_outcomes import OUTCOMES
from gateway.observe.tool_outcomes import TOOL_OUTCOMES, ToolNames
from gateway.observe.trace import Trace

PREFIX = "tool_gateway"

FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
REQUEST_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
LOAD_S = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

_CALLS = "; ".join(f"{outcome}: {meaning}" for outcome, meaning in OUTCOMES.items())

_TOOLS = "; ".join(f"{outcome}: {meaning}" for outcome, meaning in TOOL_OUTCOMES.items())


class Metrics:
    """Metrics that events update; `api/metrics.py` reads current states at each scrape."""

    def __init__(self) -> None:
        self.labels: dict[str, tuple[str, ...]] = {}
        self._registry = CollectorRegistry()
        self._requests = self._counter(
            "requests", "Completed requests.", "route", "model", "status"
        )
        self.under_way = Gauge(
            f"{PREFIX}_requests_in_progress",
            "Requests in progress, including the scrape itself.",
            registry=self._registry,
        )
        self._request_s = self._histogram(
            "request_duration_seconds",
            "Time from the arrival of a request to the last byte of its response.",
            REQUEST_S,
            "route",
            "model",
        )
        self._first_token_s = self._histogram(
            "time_to_first_token_seconds",
            "Time from the arrival of a request to its first generated token.",
            FIRST_TOKEN_S,
            "model",
        )
        self._prompt = self._counter("prompt_tokens", "Prompt tokens.", "model")
        self._cached = self._counter(
            "prompt_cached_tokens", "Prompt tokens found in the prefix cache.", "model"
        )
        self._generated = self._counter("generated_tokens", "Generated tokens.", "model")
        self._forced = self._counter(
            "forced_tokens",
            "Generated tokens that the grammar forced, so that they were not sampled.",
            "model",
        )
        self._answers = self._counter(
            "answers",
            "Answers by finish reason: stop, length, tool_calls; unfinished after an error or a"
            " client disconnect.",
            "model",
            "finish",
        )
        self._calls = self._counter("calls", f"Tool calls. {_CALLS}.", "model", "outcome")
        self._tools = self._counter(
            "tools", f"Uses of tools. {_TOOLS}.", "model", "tool", "outcome"
        )
        self._tool_names = ToolNames()
        self._load_s = self._histogram(
            "model_load_seconds",
            "Time to load a model, including the download and the wait for memory.",
            LOAD_S,
            "model",
        )
        self._load_failures = self._counter("model_load_failures", "Failed model loads.", "model")
        self._evictions = self._counter(
            "model_evictions", "Models unloaded to make room or after being idle.", "model"
        )
        self._restarts = self._counter(
            "worker_restarts", "Workers restarted after a crash.", "model"
        )

    def collect(self) -> Iterator[Metric]:
        """All metric families, without the `_created` samples."""
        for family in self._registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family

    def served(self, trace: Trace) -> None:
        """Count a completed request."""
        model = trace.model
        self._requests.labels(trace.route, model, trace.status).inc()
        self._request_s.labels(trace.route, model).observe(trace.duration_s)
        self.answered(trace)

    def answered(self, trace: Trace) -> None:
        """Count the answers to a request, if there are any."""
        model = trace.model
        if not trace.answers:
            return
        if (first_s := trace.first_token_s) is not None:
            self._first_token_s.labels(model).observe(first_s)
        totals = trace.totals()
        self._prompt.labels(model).inc(totals.prompt_tokens)
        self._cached.labels(model).inc(totals.cached_tokens)
        self._generated.labels(model).inc(totals.generated_tokens)
        self._forced.labels(model).inc(totals.forced_tokens)
        for answer in trace.answers:
            self._answers.labels(model, answer.finish).inc()
        for outcome in OUTCOMES:
            self._calls.labels(model, outcome).inc(totals.calls[outcome])
        uses = Counter((name, "offered") for name in trace.offered_tools)
        for answer in trace.answers:
            uses += answer.tools.counts
        for (name, outcome), count in uses.items():
            tool = self._tool_names.label(model, name)
            self._tools.labels(model, tool, outcome).inc(count)

    @contextmanager
    def loading(self, model: str) -> Iterator[None]:
        """Time the load of `model` inside the context, and count it if it fails."""
        start_s = time.monotonic()
        with self._load_failures.labels(model).count_exceptions():
            yield
        self._load_s.labels(model).observe(time.monotonic() - start_s)

    def evicted(self, model: str) -> None:
        self._evictions.labels(model).inc()

    def restarted(self, model: str) -> None:
        self._restarts.labels(model).inc()

    def _counter(self, name: str, help: str, *labels: str) -> prometheus.Counter:
        self.labels[f"{PREFIX}_{name}"] = labels
        return prometheus.Counter(name, help, labels, namespace=PREFIX, registry=self._registry)

    def _histogram(
        self, name: str, help: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        self.labels[f"{PREFIX}_{name}"] = labels
        return Histogram(
            name, help, labels, namespace=PREFIX, registry=self._registry, buckets=buckets
        )
