"""Prints docs/metrics.md: `python -m docs.generate.metrics > docs/metrics.md`."""

from __future__ import annotations

from prometheus_client.metrics_core import CounterMetricFamily

from gateway.api.metrics import READINGS, REFUSED, STATE, WAITING
from gateway.observe.metrics import PREFIX, Metrics

INTRODUCTION = """\
# Metrics

The metrics of `GET /metrics`, in Prometheus's text format, or in OpenMetrics if the client accepts it. This page is generated from
`gateway/observe/metrics.py` and `gateway/api/metrics.py` by `.venv/bin/python -m docs.generate.metrics > docs/metrics.md`; a test fails when it
is out of date.

`route` is the declared path, or `other` for an unknown path. `model` is a name in `models.yaml`, empty for requests without a model.
Per-request counters are updated when the request completes. A worker reports its readings once a second while it is busy, and its
counters reset when it restarts; use `rate()`, which handles resets. `tool` is the name of a tool, or `other` for tools that are not on
offer and beyond the first 100 names of a model.

| name | type | labels | description |
|---|---|---|---|
"""  # noqa: E501 - lines as long as the other pages have them

EXAMPLES = """
| question | PromQL |
|---|---|
| prefix cache hit rate, in tokens | `rate(tool_gateway_prompt_cached_tokens_total[5m]) / rate(tool_gateway_prompt_tokens_total[5m])` |
| share of forced tokens | `rate(tool_gateway_forced_tokens_total[5m]) / rate(tool_gateway_generated_tokens_total[5m])` |
| share of repaired tool calls | `sum by (model) (rate(tool_gateway_calls_total{outcome="repaired"}[5m])) / sum by (model) (rate(tool_gateway_calls_total[5m]))` |
| share of a tool's calls that its schema forbids | `sum by (tool) (rate(tool_gateway_tools_total{outcome="invalid"}[5m])) / sum by (tool) (rate(tool_gateway_tools_total{outcome="called"}[5m]))` |
| 90th percentile of the time to first token | `histogram_quantile(0.9, sum by (le) (rate(tool_gateway_time_to_first_token_seconds_bucket[5m])))` |
"""  # noqa: E501 - each line of a table is one line


def as_markdown() -> str:
    """The content of docs/metrics.md."""
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
