"""Metrics and `tool-gateway ps` of a gateway with the embedded model."""

from __future__ import annotations

import subprocess
import time

import httpx
import pytest
from openai import OpenAI
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import TOOL_GATEWAY
from tests.e2e.tools import WEATHER, within

pytestmark = pytest.mark.model


def scrape(server: str) -> dict[str, float]:
    """Returns the samples of /metrics, summed by name."""
    told: dict[str, float] = {}
    for family in text_string_to_metric_families(httpx.get(f"{server}/metrics").text):
        for sample in family.samples:
            name = sample.name.removeprefix("tool_gateway_")
            told[name] = told.get(name, 0) + sample.value
    return told


def at_rest(server: str) -> dict[str, float]:
    """Returns the samples once no sequence is running."""
    for _ in range(100):
        told = scrape(server)
        if not told.get("sequences_running"):
            return told
        time.sleep(0.1)
    raise TimeoutError(told)


def test_metrics_equal_the_sum_of_the_usage(client: OpenAI, server: str) -> None:
    before, usages = scrape(server), []
    for _ in range(2):
        answer = client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": "What is the weather in Paris?"}],
            tools=[within(WEATHER, "Paris", "Rome")],
            tool_choice="required",
            parallel_tool_calls=False,
        )
        assert answer.usage
        assert answer.usage.prompt_tokens_details
        usages.append(answer.usage)
    after = at_rest(server)
    told = {name: value - before.get(name, 0) for name, value in after.items()}
    assert told["prompt_tokens_total"] == sum(usage.prompt_tokens for usage in usages)
    generated = sum(usage.completion_tokens for usage in usages)
    assert told["generated_tokens_total"] == generated
    assert 0 < told["forced_tokens_total"] < generated
    cached = [u.prompt_tokens_details.cached_tokens or 0 for u in usages if u.prompt_tokens_details]
    assert told["prompt_cached_tokens_total"] == sum(cached) > 0
    assert told["calls_total"] == told["time_to_first_token_seconds_count"] == 2
    assert 0 < told["steps_total"] < generated
    assert after["context_used_tokens"] > usages[0].prompt_tokens
    assert after["worker_resident_memory_bytes"] > 50 * 2**20
    assert after["tokens_per_second"] == 0


def test_ps_shows_the_model_and_fails_without_a_gateway(server: str) -> None:
    command = [str(TOOL_GATEWAY), "ps", "--once", "--url"]
    shown = subprocess.run([*command, server], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[1].startswith("smollm2")
    alone = subprocess.run([*command, "http://127.0.0.1:9"], capture_output=True, text=True)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert alone.stderr.startswith("error: no gateway at http://127.0.0.1:9: ")
