"""The `check` command, with models that are not here and with files that are no models."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import reciters
from tests.cli.terminal import COMMAND, ended, terminal
from tests.e2e.conftest import default_entry
from tests.fakes import REPO
from tests.prompt.chatml import ANY, CALLS, CHATML

HERE_NOT = "hf:nobody/nothing/x.gguf"
DEAF = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=folder)


def reports(
    folder: Path, models: dict[str, dict[str, Any]], status: int = 0, **more: Any
) -> dict[str, Any]:
    """The reports on these models by name, with the texts of the findings."""
    (folder / "models.yaml").write_text(json.dumps({"models": models, **more}))
    done = check(folder, "--json")
    assert done.returncode == status, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)}
    for one in found.values():
        one["findings"] = [f"{each['level']}: {each['text']}" for each in one["findings"]]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    write = (tmp_path / "templates/hermes-only.jinja").write_text
    write(CHATML.replace("SAYS", "{{ message.content }}" + CALLS) + "{{ tools }}")
    (tmp_path / "templates/deaf.jinja").write_text(DEAF)
    return tmp_path


def test_each_model_is_a_row() -> None:
    done = check(REPO, "qwen2.5-7b", "llama-3.1-8b")
    assert done.returncode == 0
    _, *rows = done.stdout.splitlines()
    assert [row.split()[:5] for row in rows] == [
        ["ok", "qwen2.5-7b", "to", "download", "qwen"],
        ["ok", "llama-3.1-8b", "to", "download", "llama3"],
    ]


def test_a_narrow_terminal_shows_fewer_columns() -> None:
    with terminal("check", "qwen2.5-7b", "llama-3.1-8b", columns=50) as process:
        _, shown = ended(process)
    title, *rows = shown.splitlines()
    assert title.split() == ["MODEL", "FORMAT"]
    assert [row.split()[:2] for row in rows] == [["ok", "qwen2.5-7b"], ["ok", "llama-3.1-8b"]]


def test_an_unknown_model_is_answered_with_those_that_there_are() -> None:
    done = check(REPO, "default", "nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no model 'nothing'; the models are smollm2, ")


def test_a_format_that_the_template_contradicts_is_noted(folder: Path) -> None:
    entry = {"source": HERE_NOT, "template": "hermes-only"}
    found = reports(folder, {"own": entry, "other": {**entry, "format": "llama3"}})
    assert (found["own"]["format"], found["own"]["format_from"]) == ("hermes", "its template")
    assert (found["own"]["level"], found["other"]["level"]) == ("ok", "note")
    [text] = found["other"]["findings"]
    assert text == "note: the template writes calls in the format hermes, not in llama3"


def test_a_template_that_hides_tools_is_noted(folder: Path) -> None:
    entry = {"source": HERE_NOT, "template": "deaf", "format": "hermes"}
    [text] = reports(folder, {"m": entry})["m"]["findings"]
    assert text.startswith("note: the template does not show tools to the model")


def test_one_model_that_cannot_be_served_does_not_hide_the_others(folder: Path) -> None:
    (folder / "text.gguf").write_text("text")
    models: dict[str, dict[str, Any]] = {
        "missing": {"source": "missing.gguf"},
        "text": {"source": "text.gguf"},
        "template": {"source": HERE_NOT, "template": "nowhere"},
        "unknown": {"source": HERE_NOT, "template": "deaf", "embeddings": True},
    }
    found = reports(folder, models, status=1)
    assert {name: one["level"] for name, one in found.items()} == {
        "missing": "problem",
        "text": "problem",
        "template": "problem",
        "unknown": "ok",
    }
    assert "there is no file" in found["missing"]["findings"][0]
    assert "not a valid GGUF file" in found["text"]["findings"][0]
    assert "nowhere.jinja; there are gguf, " in found["template"]["findings"][0]
    done = check(folder)
    assert done.stderr == "error: 3 of 4 models cannot be served\n"


@pytest.mark.model
def test_a_file_is_described_by_its_header(tmp_path: Path) -> None:
    entry = {**default_entry(), "template": "smollm2", "format": "hermes", "gpu_layers": -1}
    plain = {**entry, "template": "gguf", "context": 16384}
    del plain["lora"], plain["format"]
    found = reports(tmp_path, {"m": entry, "plain": {**plain, "aliases": []}})
    assert found["m"]["longest_context"] == 8192
    assert found["m"]["file_bytes"] == 98362432
    assert found["m"]["memory_bytes"] > 3e8
    assert found["plain"]["findings"][0].startswith(
        "note: context is 16384 tokens, and the model was trained for 8192"
    )
    assert "the template does not show tools" in found["plain"]["findings"][-1]


@pytest.mark.model
def test_models_that_need_more_memory_than_there_is_are_reported(tmp_path: Path) -> None:
    path = reciters.ending(tmp_path)
    entry = reciters.entry(path, preload=True, context=512, prefix_cache={"memory_mb": 300})
    needed_mb = reports(tmp_path, {"m": entry})["m"]["memory_bytes"] // 2**20
    found = reports(tmp_path, {"m": entry, "n": entry}, memory_mb=needed_mb * 3 // 2)
    assert found["m"]["findings"] == []
    assert "the models with `preload: true` need about" in found["n"]["findings"][0]
    found = reports(tmp_path, {"m": entry}, status=1, memory_mb=needed_mb // 2)
    assert found["m"]["findings"][0].startswith("problem: it needs about")


def test_without_a_models_yaml_a_template_of_the_current_folder_can_replace_another(
    tmp_path: Path,
) -> None:
    (tmp_path / "deaf.jinja").write_text(ANY.replace("{{ tools | tojson }}", ""))
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mine.jinja").write_text(ANY)
    shown = check(tmp_path, "--template", "deaf.jinja").stdout
    [instead] = [line for line in shown.splitlines() if line.startswith("instead")]
    assert "`template: mine`" in instead
