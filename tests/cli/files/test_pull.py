"""`tool-gateway pull` in a terminal and without one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND, CTRL_C, ended, terminal, text
from tests.fakes import REPO
from tests.hub.fake_hub import UNRESOLVED, FakeHub, environment, hub, weights

NAME = "Tiny-Instruct-Q4_K_M.gguf"
CONTENT = weights()
ENTRY = f"  tiny-instruct:\n    source: hf:owner/repo/{NAME}\n"
MODELS = """
models:
  tiny: {source: "hf:owner/repo:Q4_K_M", lora: "hf:owner/repo/adapter.gguf"}
  far: {source: "http://127.0.0.1:9/v1", template: chatml, format: hermes}
"""


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with hub({NAME: CONTENT, "adapter.gguf": b"GGUF"}) as one:
        yield one


def pull(
    *arguments: str, hub_environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Runs `pull` without a terminal."""
    return subprocess.run(
        [*COMMAND, "pull", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO), **hub_environment},
    )


def test_a_bar_shows_how_far_it_is_and_the_entry_follows(fake: FakeHub, tmp_path: Path) -> None:
    fake.stalls_at = 25_000
    own = fake.environment(tmp_path)
    with terminal("pull", "owner/repo", folder=tmp_path, environment=own) as process:
        process.expect("25 % of 100 kB")
        fake.release.set()
        status, shown = ended(process)
    assert status == 0
    assert shown.endswith(ENTRY)
    assert NAME in shown


@pytest.mark.parametrize("columns", [40, 60])
def test_the_bar_fits_a_narrow_terminal(fake: FakeHub, tmp_path: Path, columns: int) -> None:
    fake.stalls_at = 25_000
    own = fake.environment(tmp_path)
    with terminal(
        "pull", "owner/repo", folder=tmp_path, environment=own, columns=columns
    ) as process:
        process.expect("25 % of 100 kB")
        drawn = text(f"{process.before}{process.after}")
    assert "\n" not in drawn  # a line that is too long would be broken
    assert max(map(len, drawn.split("\r"))) <= columns


def test_ctrl_c_ends_it_in_one_line_and_the_next_goes_on(fake: FakeHub, tmp_path: Path) -> None:
    fake.stalls_at = 25_000
    own = fake.environment(tmp_path)
    with terminal("pull", "owner/repo", folder=tmp_path, environment=own) as process:
        process.expect("25 % of 100 kB")
        process.send(CTRL_C)
        status, shown = ended(process)
    assert status == 130
    assert shown.strip().splitlines()[-1] == "stopped; run it again to resume"
    assert "Traceback" not in shown
    fake.stalls_at = None
    again = pull("owner/repo", hub_environment=own, folder=tmp_path)
    assert again.returncode == 0
    assert fake.downloads == [(NAME, 0), (NAME, 25_000)]


def test_ctrl_c_while_the_hub_does_not_answer(fake: FakeHub, tmp_path: Path) -> None:
    fake.is_answering.clear()
    own = fake.environment(tmp_path)
    with terminal("pull", "owner/repo", folder=tmp_path, environment=own) as process:
        process.expect("asking the hub")
        process.send(CTRL_C)
        status, shown = ended(process)
    assert status == 130
    assert "Traceback" not in shown


def test_without_a_terminal_it_prints_lines(fake: FakeHub, tmp_path: Path) -> None:
    done = pull("owner/repo", hub_environment=fake.environment(tmp_path), folder=tmp_path)
    path, *entry = done.stdout.splitlines(keepends=True)
    assert Path(path.strip()).read_bytes() == CONTENT
    assert "".join(entry) == ENTRY
    assert "\n100 % of 100 kB\n" in f"\n{done.stderr}"
    assert "\x1b" not in done.stdout + done.stderr


def test_a_name_in_models_yaml_is_its_file_and_its_adapters(fake: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(MODELS)
    own = fake.environment(tmp_path)
    done = pull("tiny", hub_environment=own, folder=tmp_path)
    assert [Path(path).name for path in done.stdout.splitlines()] == [NAME, "adapter.gguf"]
    assert pull("tiny", hub_environment=own, folder=tmp_path).stdout == done.stdout
    assert [name for name, _ in fake.downloads] == [NAME, "adapter.gguf"]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("far", "far is generated at http://127.0.0.1:9/v1; there is nothing to download"),
        ("nothing", "nothing: expected hf:owner/repo/file.gguf or hf:owner/repo:QUANTIZATION"),
        ("owner/repo:Q8_0", "owner/repo has no quantization Q8_0; there are Q4_K_M"),
    ],
)
def test_a_mistake_is_one_line(fake: FakeHub, tmp_path: Path, model: str, error: str) -> None:
    (tmp_path / "models.yaml").write_text(MODELS)
    done = pull(model, hub_environment=fake.environment(tmp_path), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {error}\n")


def test_a_hub_whose_name_is_not_resolved_is_one_line(tmp_path: Path) -> None:
    own = environment(UNRESOLVED, tmp_path)
    with terminal("pull", "owner/repo", folder=tmp_path, environment=own) as process:
        status, shown = ended(process)
    assert status == 1
    assert f"error: can't reach {UNRESOLVED}: " in shown
