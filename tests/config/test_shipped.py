"""The files that come with the gateway are found from any folder; a user's own come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.shipped import ROOT, STARTER, find, templates
from gateway.formats.families import FAMILIES
from gateway.hub.source import locate
from tests.fakes import REPO

ADAPTER = "adapters/smollm2-135m-tools.gguf"


def test_a_file_that_is_not_in_the_folder_is_found_where_it_is_shipped(tmp_path: Path) -> None:
    assert find(Path(ADAPTER), tmp_path) == ROOT / ADAPTER
    assert locate(ADAPTER, tmp_path) == ROOT / ADAPTER
    assert templates(tmp_path)["qwen"] == ROOT / "templates" / "qwen.jinja"


def test_a_users_own_file_comes_first(tmp_path: Path) -> None:
    for file in ("adapters/smollm2-135m-tools.gguf", "templates/qwen.jinja", "templates/my.jinja"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert find(Path(ADAPTER), tmp_path) == tmp_path / ADAPTER
    found = templates(tmp_path)
    assert found["qwen"] == tmp_path / "templates" / "qwen.jinja"
    assert found["hermes"] == ROOT / "templates" / "hermes.jinja"
    assert list(found) == sorted(found)
    assert set(found) - set(templates(REPO)) == {"my"}


@pytest.mark.parametrize("path", ["README.md", "gateway/app.py", "adapters", "templates/no.jinja"])
def test_nothing_else_is_found(path: str, tmp_path: Path) -> None:
    assert find(Path(path), tmp_path) == tmp_path / path
    assert find(tmp_path / ADAPTER, Path()) == tmp_path / ADAPTER


def test_the_starter_file_serves_the_default_model_of_models_yaml() -> None:
    ours, starter = (load(path, (*FAMILIES,)).models for path in (REPO / "models.yaml", STARTER))
    assert starter == {"smollm2": ours["smollm2"]}


def test_the_examples_in_the_starter_file_are_valid(tmp_path: Path) -> None:
    """The lines that a user is told to remove the `#` from."""
    head, _, tail = STARTER.read_text().partition("  # A model from Hugging Face")
    lines = [line.replace("# ", "", 1) for line in tail.splitlines()[1:] if ":" in line]
    path = tmp_path / "models.yaml"
    path.write_text(head + "\n".join(lines))
    assert list(load(path, (*FAMILIES,)).models) == ["smollm2", "qwen2.5-7b", "mine"]
