"""Ray Serve's numbers follow from models.yaml."""

from __future__ import annotations

from gateway.cluster.capacity import OTHER_REQUESTS, capacity
from gateway.config.load import Config, Entry


def test_a_replica_takes_what_its_slots_and_queues_hold_and_other_requests() -> None:
    models = {"a": Entry(source="a.gguf", queue=10), "b": Entry(source="b.gguf", queue=5)}
    found = capacity(Config(models=models))
    assert found.max_ongoing_requests == 2 * 16 + 10 + 5 + OTHER_REQUESTS
    assert found.max_queued_requests == found.max_ongoing_requests


def test_autoscaling_aims_at_the_slots_of_the_preloaded_models() -> None:
    entries = {name: Entry(source=name, preload=name != "c") for name in ("a", "b", "c")}
    assert capacity(Config(models=entries)).target_ongoing_requests == 32
    assert capacity(Config(models={"c": entries["c"]})).target_ongoing_requests == 16


def test_a_remote_engine_has_its_own_number_of_slots() -> None:
    source = {"source": "http://h/v1", "template": "smollm2", "format": "hermes"}
    entry = Entry.model_validate({**source, "preload": True, "remote": {"slots": 64}})
    found = capacity(Config(models={"a": entry}))
    assert found.max_ongoing_requests == 64 + entry.queue + OTHER_REQUESTS
    assert found.target_ongoing_requests == 64


def test_running_requests_have_their_grace_when_a_replica_is_removed() -> None:
    config = Config(models={"a": Entry(source="a")}, grace_s=30)
    assert capacity(config).graceful_shutdown_timeout_s > 30
