"""The Serve config file in examples/, as Ray Serve and the code read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ray.serve.schema import ServeDeploySchema

from gateway.cluster import app
from gateway.cluster.arguments import Arguments

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "examples" / "cluster.yaml").read_text())
[APPLICATION] = CONFIG["applications"]


def test_ray_serve_accepts_it() -> None:
    ServeDeploySchema.model_validate(CONFIG)


def test_the_application_accepts_its_arguments() -> None:
    assert Arguments.model_validate(APPLICATION["args"]).pin_cpus


def test_its_deployments_are_those_of_the_application(tmp_path: Path) -> None:
    models = tmp_path / "models.yaml"
    models.write_text("models: {m: {source: m.gguf}}")
    ingress: Any = app(Arguments(config=models))
    deployments = (ingress._bound_deployment, ingress._bound_deployment.init_args[0])
    names = [deployments[1]._bound_deployment.name, deployments[0].name]
    assert [one["name"] for one in APPLICATION["deployments"]] == names
    assert APPLICATION["import_path"] == f"{app.__module__.removesuffix('.application')}:app"
