"""The `doctor` command."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cli.terminal import COMMAND
from tests.fakes import REPO

SUBJECTS = [
    *("system", "cpu", "memory", "llama.cpp", "devices", "instructions"),
    *("tool-gateway", "models.yaml", "default model"),
]


def doctor(
    *arguments: str, folder: Path = REPO, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "doctor", "--port", str(free_port()), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def test_each_finding_is_a_line_and_an_object() -> None:
    text, done = doctor(), doctor("--json")
    found = json.loads(done.stdout)
    assert [one["subject"] for one in found][: len(SUBJECTS)] == SUBJECTS
    assert [line.split()[0] for line in text.stdout.splitlines()] == [one["level"] for one in found]
    assert text.returncode == done.returncode == int(any(o["level"] == "problem" for o in found))
    assert "\x1b" not in text.stdout


def test_a_folder_without_a_models_yaml_is_noted(tmp_path: Path) -> None:
    found = {one["subject"]: one for one in json.loads(doctor("--json", folder=tmp_path).stdout)}
    assert found["models.yaml"]["level"] == "note"
    assert "tool-gateway init" in found["models.yaml"]["cure"]


def test_a_broken_models_yaml_is_a_problem_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text("models: {m: {sauce: x}}")
    done = doctor(folder=tmp_path)
    [line] = [line for line in done.stdout.splitlines() if "models.yaml" in line]
    assert done.returncode == 1
    assert line.startswith("problem")
    assert "sauce: no such key" in line
