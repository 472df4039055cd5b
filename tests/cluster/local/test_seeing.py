"""What operators see of the replicas."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.cli.server.running_gateway import RunningGateway
from gateway.cli.server.status_table import watch
from tests.cluster.local.cluster import Cluster, until
from tests.cluster.local.test_answers import chat

pytestmark = pytest.mark.cluster


def test_metrics_of_all_replicas(running: Cluster) -> None:
    text = running.get("/metrics").text
    families = {one.name: one.samples for one in text_string_to_metric_families(text)}
    replicas = {sample.labels["replica"] for sample in families["tool_gateway_context_tokens"]}
    assert replicas == running.replicas()


def test_health_of_all_replicas(running: Cluster) -> None:
    health = running.get("/health").json()
    assert health["status"] == "ok"
    assert [one["states"] for one in health["replicas"].values()] == [{"smollm2": "ready"}] * 2


def test_a_model_is_loaded_and_unloaded_on_all_replicas(running: Cluster) -> None:
    for command, state in (("unload", "unloaded"), ("load", "ready")):
        assert running.post(f"/v1/models/smollm2/{command}", None).json()["state"] == state
        each = running.get("/health").json()["replicas"].values()
        assert [one["states"]["smollm2"] for one in each] == [state] * 2


def test_log_lines_name_the_replica_and_the_trace(running: Cluster) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = running.post(
        "/v1/chat/completions", chat(), traceparent=f"00-{trace_id}-00f067aa0ba902b7-01"
    )
    replica = answer.headers["x-replica"]

    def logged() -> list[str]:
        return [line for line in running.log.read_text().splitlines() if trace_id in line]

    [line] = until(logged)
    assert f"replica={replica}" in line
    assert f"request_id={answer.headers['x-request-id']}" in line


def test_ps_shows_the_replicas(running: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    watch(RunningGateway(running.url), once=True)
    shown = capsys.readouterr().out
    for replica in running.replicas():
        assert any("smollm2" in line and replica in line for line in shown.splitlines())
