"""A chat with a model that is named by its file, here or on Hugging Face."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from tests.cli.chat.test_one_shot import run
from tests.cli.terminal import CTRL_C, ended, terminal
from tests.hub.fake_hub import REFUSED, environment, hub, weights

CONFIG = ("--config", "models.yaml")
URL = ("--url", "http://127.0.0.1:9")


def test_a_download_is_shown_as_by_pull_and_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with hub({"tiny-Q8_0.gguf": weights()}) as fake:
        fake.stalls_at = 25_000
        with terminal("run", "hf:owner/repo", environment=fake.environment(tmp_path)) as process:
            process.expect_exact("25 % of 100 kB")
            found = psutil.Process(process.pid).children(recursive=True)
            process.send(CTRL_C)
            status, shown = ended(process)
    assert status == 130
    assert shown.strip().splitlines()[-1] == "stopped; run it again to resume"
    assert "Traceback" not in shown
    assert psutil.wait_procs(found, timeout=20)[1] == []


@pytest.mark.parametrize("model", ["hf:owner/repo:Q8_0", "https://huggingface.co/owner/repo"])
def test_a_hub_that_cannot_be_reached_is_one_line(model: str, tmp_path: Path) -> None:
    done = run(model, "Hi", env={**os.environ, **environment(REFUSED, tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: can't reach {REFUSED}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("model", ["hf:owner/repo:Q8_0", "huggingface.co/owner/repo", "a.gguf"])
def test_a_file_needs_a_gateway_of_its_own(model: str) -> None:
    assert run(model, "Hi", *CONFIG).stderr == (
        f"error: chat either with {model} or with a model of --config models.yaml\n"
    )
    assert run(model, "Hi", *URL).stderr == (
        "error: --url names a gateway, but --config and a file need one of their own\n"
    )
