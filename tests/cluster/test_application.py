"""The application that `serve run` builds; building it starts nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cluster import app
from gateway.cluster.arguments import Arguments
from gateway.errors import ConfigError


def deployments(config: Path, **more: Any) -> tuple[Any, Any]:
    """The deployment of the ingress, and that of the replicas."""
    built: Any = app(Arguments(config=config, **more))
    ingress = built._bound_deployment
    return ingress, ingress.init_args[0]._bound_deployment


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text("models: {m: {source: m.gguf, queue: 4}}\ngrace_s: 30\n")
    return path


def test_options_follow_from_models_yaml(config: Path) -> None:
    ingress, gateway = deployments(config, replicas=3)
    assert (ingress.name, gateway.name, gateway.num_replicas) == ("ingress", "gateway", 3)
    assert gateway.max_ongoing_requests == gateway.max_queued_requests == 36
    assert gateway._deployment_config.graceful_shutdown_timeout_s > 30


def test_autoscaling(config: Path) -> None:
    _, gateway = deployments(config, replicas=2, max_replicas=5)
    scaling = gateway._deployment_config.autoscaling_config
    found = scaling.min_replicas, scaling.max_replicas, scaling.target_ongoing_requests
    assert found == (2, 5, 16)


def test_a_missing_models_yaml_is_told() -> None:
    with pytest.raises(ConfigError, match="no-such"):
        app(Arguments(config=Path("no-such.yaml")))


def test_importing_the_application_does_not_import_ray() -> None:
    code = "import sys, gateway.cluster; sys.exit('ray' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
