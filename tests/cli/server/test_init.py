"""`tool-gateway init`, and commands where there is no models.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.shipped import STARTER
from gateway.errors import ConfigError

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("argument", "file"), [((), "models.yaml"), (("a.yml",), "a.yml")])
def test_the_starter_file_is_written(argument: tuple[str], file: str, folder: Path) -> None:
    result = RUNNER.invoke(app, ["init", *argument])
    assert result.output == f"Wrote {file}. `tool-gateway serve` serves its models.\n"
    assert (folder / file).read_bytes() == STARTER.read_bytes()


def test_it_is_written_into_a_folder(folder: Path) -> None:
    (folder / "sub").mkdir()
    assert RUNNER.invoke(app, ["init", "sub"]).exit_code == 0
    assert (folder / "sub" / "models.yaml").read_bytes() == STARTER.read_bytes()


def test_a_file_is_overwritten_only_by_force(folder: Path) -> None:
    (folder / "models.yaml").write_text("mine")
    error = RUNNER.invoke(app, ["init"]).exception
    assert isinstance(error, ConfigError)
    assert error.message == "models.yaml exists; --force overwrites it"
    assert (folder / "models.yaml").read_text() == "mine"
    assert RUNNER.invoke(app, ["init", "--force"]).exit_code == 0
    assert (folder / "models.yaml").read_bytes() == STARTER.read_bytes()


def test_a_file_that_cannot_be_written_is_an_error() -> None:
    error = RUNNER.invoke(app, ["init", "no/such/folder.yaml"]).exception
    assert isinstance(error, ConfigError)
    assert error.message == "cannot write no/such/folder.yaml: No such file or directory"
