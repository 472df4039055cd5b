"""The `serve` command in a terminal: its mistakes, and Ctrl-C at each stage."""

from __future__ import annotations

import socket
from pathlib import Path
from signal import SIGINT

import pytest
import yaml

from tests.cli.terminal import CTRL_C, Process, ended, terminal
from tests.e2e.conftest import plain_entry
from tests.numerics import entry

OTHER = {"source": "nothing.gguf", "template": "smollm2", "format": "hermes"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A models.yaml with one model that has no file."""
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": {"m": OTHER}}))
    return tmp_path / "models.yaml"


def interrupted(process: Process) -> str:
    """Presses Ctrl-C; returns what was shown after it."""
    process.send(CTRL_C)
    status, shown = ended(process)
    assert status == -SIGINT
    assert "Traceback" not in shown
    return shown


def test_the_banner_has_the_address_and_the_models_and_ctrl_c_ends_it(config: Path) -> None:
    with terminal("serve", "--config", config, "--port", "0") as process:
        process.expect(
            r"listening at http://[\d.:]+, with a playground for browsers; .*; models: m"
        )
        interrupted(process)


@pytest.mark.model
def test_ctrl_c_ends_it_while_a_model_loads(tmp_path: Path) -> None:
    models = {"models": {"m": entry(**{**plain_entry(), "preload": True})}}
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(models))
    with terminal("serve", "--config", tmp_path / "models.yaml", "--port", "0") as process:
        process.expect("loading m from")
        assert "is ready" not in interrupted(process)


def test_busy_port_is_one_line(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with terminal("serve", "--config", config, "--port", str(port)) as process:
            status, shown = ended(process)
    assert status == 1
    assert shown.startswith(f"error: port {port} is in use; --port ")
    assert len(shown.splitlines()) == 1


def test_file_of_responses_that_cannot_be_opened_is_one_line(config: Path) -> None:
    config.write_text(config.read_text() + "responses: {file: no/such/folder/x.sqlite}\n")
    with terminal("serve", "--config", config, "--port", "0", columns=200) as process:
        status, shown = ended(process)
    assert status == 1
    assert shown.startswith("error: responses.file ")
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "no-such-host.invalid", "--insecure"], "cannot be resolved"),
        (["--keys", "no-such-file"], "cannot read no-such-file: No such file or directory"),
        (["--config", "no-such-file.yaml"], "no-such-file.yaml: No such file or directory; set"),
        (["--config", "not.yaml"], "not.yaml is not YAML: line 2, column 1: "),
        (["--config", "."], ".: Is a directory; set the path with --config"),
    ],
)
def test_mistake_is_one_line(arguments: list[str], told: str, config: Path) -> None:
    (config.parent / "not.yaml").write_text("models: {a: {\n]")
    with terminal("serve", *arguments, folder=config.parent, columns=200) as process:
        status, shown = ended(process)
    [line] = shown.splitlines()
    assert status == 1
    assert line.startswith("error: ")
    assert told in line
