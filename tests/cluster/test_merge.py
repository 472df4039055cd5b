"""One response for those of all replicas."""

from __future__ import annotations

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gateway.cluster import merge
from gateway.cluster.call import Whole


def whole(replica: str, body: Any, status: int = 200) -> Whole:
    text = body if isinstance(body, str) else json.dumps(body)
    return Whole(replica, status, [(b"x-own", b"1")], text.encode())


def metrics(count: int) -> str:
    return (
        "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
        f'calls_total{{model="m"}} {count}\n'
        "# HELP wait_seconds Waits.\n# TYPE wait_seconds histogram\n"
        f'wait_seconds_bucket{{le="1"}} {count}\nwait_seconds_bucket{{le="+Inf"}} {count}\n'
        f"wait_seconds_count {count}\nwait_seconds_sum 0.5\n"
    )


def test_metrics_are_those_of_all_replicas_with_a_label_for_each() -> None:
    merged = merge.metrics([whole("a", metrics(1)), whole("b", metrics(2))])
    text = bytes(merged.body).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["calls"].type == "counter"
    found = [(s.labels, s.value) for s in families["calls"].samples]
    assert found == [({"model": "m", "replica": "a"}, 1), ({"model": "m", "replica": "b"}, 2)]
    counts = [s for s in families["wait_seconds"].samples if s.name == "wait_seconds_count"]
    assert [(s.labels["replica"], s.value) for s in counts] == [("a", 1), ("b", 2)]
    assert text.count("# TYPE calls_total") == 1


def test_health_is_degraded_if_one_replica_is() -> None:
    well = {"status": "ok", "loaded": ["m"], "wrong": {}}
    ill = {"status": "degraded", "loaded": [], "wrong": {"m": "no memory"}}
    found = json.loads(bytes(merge.health([whole("a", well), whole("b", ill)]).body))
    assert found == {
        "status": "degraded",
        "loaded": ["m"],
        "wrong": {"m on b": "no memory"},
        "replicas": {"a": well, "b": ill},
    }


def test_one_ready_replica_makes_the_cluster_ready() -> None:
    found = merge.first_success([whole("a", "no", 503), whole("b", "yes")])
    assert (found.status_code, found.body) == (200, b"yes")


def test_a_command_for_all_replicas_fails_if_it_fails_on_one() -> None:
    found = merge.worst([whole("a", "done"), whole("b", "no", 404)])
    assert (found.status_code, found.body, found.headers["x-own"]) == (404, b"no", "1")
