"""The manifests in examples/kubernetes are valid, and agree with one another and the gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import typer
import yaml

from gateway.api.metrics import WAITING
from gateway.api.server.serve import SHUTDOWN_S
from gateway.cli.main import app as program
from gateway.config.load import Config, load
from gateway.formats.families import FAMILIES
from gateway.hub.source import locate
from tests.fakes import REPO, gateway, scripted

FOLDER = REPO / "examples" / "kubernetes"
MANIFESTS: list[dict[str, Any]] = [
    manifest
    for path in sorted(FOLDER.iterdir())
    for manifest in yaml.safe_load_all(path.read_text())
]
BY_KIND = {one["kind"]: one for one in MANIFESTS}
DEPLOYMENT = BY_KIND["Deployment"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
[CONTAINER] = POD["containers"]
LABELS = DEPLOYMENT["template"]["metadata"]["labels"]
DOCKERFILE = (REPO / "Dockerfile").read_text()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "models.yaml"
    path.write_text(BY_KIND["ConfigMap"]["data"]["models.yaml"])
    return load(path, tuple(FAMILIES))


def of_docker(pattern: str) -> str:
    [found] = re.findall(pattern, DOCKERFILE)
    return str(found)


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_the_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelled_field_is_found() -> None:
    wrong = {**BY_KIND["PodDisruptionBudget"], "spec": {"maxUnavailble": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailble"):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe", "startupProbe"])
async def test_the_probe_is_answered_without_a_key(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert asked["port"] == CONTAINER["ports"][0]["name"]
    async with gateway(scripted("Hello.")) as client:
        answer = await client.get(httpx.URL("http://gateway").join(asked["path"]))
    assert answer.status_code == 200


def test_the_gateway_accepts_the_arguments_and_finds_its_files() -> None:
    name, *arguments = CONTAINER["args"]
    command = typer.main.get_command(program).commands[name]  # type: ignore[attr-defined]
    given = command.make_context(name, arguments).params
    mounts = {one["name"]: one["mountPath"] for one in CONTAINER["volumeMounts"]}
    assert str(given["keys"].parent) == mounts["keys"]
    assert mounts["config"] == of_docker(r"WORKDIR (/config)")
    assert mounts["models"] == of_docker(r"HF_HOME=(\S+)")
    assert CONTAINER["ports"][0]["containerPort"] == given["port"] == int(of_docker(r"EXPOSE (.*)"))


def test_the_pod_runs_as_the_user_of_the_image() -> None:
    user = int(of_docker(r"useradd --uid (\d+)"))
    context = POD["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (user, user, user)
    assert context["runAsNonRoot"]


def test_the_models_are_those_of_a_valid_models_yaml(config: Config) -> None:
    for entry in config.models.values():
        assert isinstance(entry.source, str)
        assert locate(entry.source, config.folder)


def test_the_models_use_as_many_threads_as_the_container_has(config: Config) -> None:
    cpus = int(CONTAINER["resources"]["limits"]["cpu"])
    assert sum(int(entry.threads) for entry in config.models.values()) == cpus


def test_the_pod_is_not_killed_before_its_requests_have_ended(config: Config) -> None:
    stop_s = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] > stop_s + config.grace_s + SHUTDOWN_S


def test_the_others_select_the_pods_and_name_what_exists() -> None:
    services = [one["spec"]["selector"] for one in MANIFESTS if one["kind"] == "Service"]
    budget = BY_KIND["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    spread = POD["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    chosen = [*services, budget, spread, DEPLOYMENT["selector"]["matchLabels"]]
    assert chosen == [LABELS] * len(chosen)
    target = BY_KIND["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == BY_KIND["Deployment"]["metadata"]["name"]
    volumes = {one["name"]: one for one in POD["volumes"]}
    assert set(volumes) == {one["name"] for one in CONTAINER["volumeMounts"]}
    assert volumes["config"]["configMap"] == {"name": BY_KIND["ConfigMap"]["metadata"]["name"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == BY_KIND["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_autoscaler_and_its_adapter_use_a_metric_that_exists() -> None:
    [metric] = BY_KIND["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == WAITING[0]
    adapter = re.findall(r"seriesQuery: '(\w+)", (REPO / "docs" / "scaling.md").read_text())
    assert adapter == [WAITING[0]]
