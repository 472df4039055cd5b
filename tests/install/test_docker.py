"""The Dockerfile and the compose files, as far as they can be checked without an engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from gateway.cli.main import app
from tests.e2e.conftest import REPO, unused_port
from tests.fakes import Script, scripted
from tests.served import served

COMPOSE = ("compose.yaml", "compose.cuda.yaml")


def instructions() -> Iterator[tuple[str, str]]:
    """Each instruction of the Dockerfile, as `COPY`, with its arguments."""
    lines = (REPO / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if line:
            name, _, arguments = line.partition(" ")
            yield name, arguments.strip()


INSTRUCTIONS = [*instructions()]
STAGES = [arguments for name, arguments in INSTRUCTIONS if name == "FROM"]
BACKENDS = {found for stage in STAGES for found in re.findall(r" AS build-(\w+)$", stage)}


def final(name: str) -> str:
    """The arguments of the last instruction of this name in the final stage."""
    names = [name for name, _ in INSTRUCTIONS]
    start = len(names) - names[::-1].index("FROM")
    return [arguments for found, arguments in INSTRUCTIONS[start:] if found == name][-1]


def copied() -> list[str]:
    sources = [arguments for name, arguments in INSTRUCTIONS if name == "COPY"]
    return [path for each in sources if "--from" not in each for path in each.split()[:-1]]


def service(file: str) -> dict[str, Any]:
    [only] = yaml.safe_load((REPO / file).read_text())["services"].values()
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("path", copied())
def test_what_is_copied_exists_and_is_sent_to_the_builder(path: str) -> None:
    ignored = (REPO / ".dockerignore").read_text().splitlines()
    sent = [line[1:].split("/")[0] for line in ignored if line.startswith("!")]
    assert (REPO / path).exists()
    assert "*" in ignored
    assert path.split("/")[0] in sent


def test_each_backend_has_an_image_to_build_in_and_one_to_run_in() -> None:
    assert {found for stage in STAGES for found in re.findall(r" AS run-(\w+)$", stage)} == BACKENDS
    assert ("ARG", "BACKEND=cpu") in INSTRUCTIONS
    assert {"build-${BACKEND} AS build", "run-${BACKEND}"} <= {*STAGES}


def test_uv_has_the_version_of_the_makefile() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)$", (REPO / "Makefile").read_text(), re.M)
    assert f"uv=={version}" in (REPO / "Dockerfile").read_text()


def test_the_image_runs_as_a_user_who_owns_the_volume() -> None:
    user = final("USER")
    made = [arguments for name, arguments in INSTRUCTIONS if name == "RUN"][-1]
    assert user not in ("root", "0")
    assert re.search(rf"useradd .*\b{user}\b", made)
    assert re.search(rf"install .*--owner {user} .*{final('VOLUME')}\b", made)
    assert final("VOLUME") in final("ENV")


def test_the_command_is_one_of_the_program() -> None:
    assert json.loads(final("ENTRYPOINT")) == ["tool-gateway"]
    name, *arguments = json.loads(final("CMD"))
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)


def test_the_health_check_fails_if_the_gateway_does_not_answer() -> None:
    _, _, check = final("HEALTHCHECK").partition("CMD ")
    _, *arguments = json.loads(check)

    def status(url: str) -> int:
        command = [argument.replace("http://127.0.0.1:8000", url) for argument in arguments]
        return subprocess.run([sys.executable, *command], capture_output=True).returncode

    with served(Script([scripted("Hi")])) as url:
        assert status(url) == 0
    assert status(f"http://127.0.0.1:{unused_port()}") != 0
    assert f"{final('EXPOSE')}/livez" in check


def test_compose_publishes_the_port_on_this_machine_only_and_keeps_the_models() -> None:
    whole = yaml.safe_load((REPO / "compose.yaml").read_text())
    found = service("compose.yaml")
    assert found["ports"] == [f"127.0.0.1:{final('EXPOSE')}:{final('EXPOSE')}"]
    [volume] = found["volumes"]
    name, path = volume.split(":")
    assert name in whole["volumes"]
    assert path == final("VOLUME")
    assert (REPO / found["build"]["context"] / "Dockerfile").is_file()


def test_compose_for_cuda_changes_the_same_service() -> None:
    names = [set(yaml.safe_load((REPO / file).read_text())["services"]) for file in COMPOSE]
    assert names[0] == names[1]
    cuda = service("compose.cuda.yaml")
    assert cuda["build"]["args"]["BACKEND"] in BACKENDS - {"cpu"}
    assert cuda["image"] != service("compose.yaml")["image"]
    [device] = cuda["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
