"""What the proxies of examples/ must agree on with the gateway."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from gateway.api.server.serve import http_config
from gateway.config.limits import Limits

EXAMPLES = Path(__file__).parents[2] / "examples"
BODY_MB = Limits().body_mb


def numbers(pattern: str, example: str) -> list[int]:
    return [int(found) for found in re.findall(pattern, (EXAMPLES / example).read_text())]


@pytest.mark.parametrize(
    ("example", "setting"),
    [("envoy.yaml", r"idle_timeout: (\d+)s\}"), ("nginx.conf", r"keepalive_timeout (\d+)s")],
)
def test_the_proxy_closes_idle_connections_before_the_gateway_does(
    example: str, setting: str
) -> None:
    [idle_s] = numbers(setting, example)
    assert 0 < idle_s < http_config(FastAPI()).timeout_keep_alive


def test_the_proxy_takes_bodies_of_the_same_size() -> None:
    assert numbers(r"(?:max_body|buffer)_size (\d+)m", "nginx.conf") == [BODY_MB, BODY_MB]
    assert numbers(r"buffer_limit: (\d+)", "envoy.yaml") == [BODY_MB * 2**20]
