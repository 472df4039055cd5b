"""Parses the samples of `GET /metrics`."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families


async def scrape(client: httpx.AsyncClient) -> dict[str, float]:
    """Returns the samples, named like `requests_total{model=m,route=/health,status=200}`."""
    return samples((await client.get("http://gateway/metrics")).text)


def samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("tool_gateway_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found
