"""`tool-gateway rm` deletes what was downloaded for a model, and nothing that is in use."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.errors import GatewayError
from tests.cli.terminal import CTRL_C, ended, terminal
from tests.fakes import Script, scripted
from tests.hub.cache_files import put
from tests.hub.fake_hub import environment
from tests.served import served

NO_GATEWAY = "http://127.0.0.1:9"
MODELS = """
models:
  m: {source: "hf:owner/repo:Q8_0", aliases: [alias]}
  same: {source: "hf:owner/shared:Q8_0"}
  twin: {source: "hf:owner/shared/a-Q8_0.gguf"}
  own: {source: own.gguf}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    for repo in ("owner/repo", "owner/shared", "owner/free"):
        put(tmp_path / "hub", repo, "c1", "a-Q8_0.gguf")
    (tmp_path / "own.gguf").touch()
    (tmp_path / "models.yaml").write_text(MODELS)
    return tmp_path


def rm(*arguments: str, url: str = NO_GATEWAY, answer: str = "") -> Result:
    command = ["rm", *arguments, "--url", url]
    return CliRunner().invoke(app, command, input=answer, catch_exceptions=False)


def is_there(folder: Path, repo: str) -> bool:
    return any((folder / "hub" / f"models--{repo.replace('/', '--')}" / "blobs").glob("*"))


@pytest.mark.parametrize("name", ["m", "alias", "owner/free:Q8_0", "hf:owner/free/a-Q8_0.gguf"])
def test_a_model_is_deleted(folder: Path, name: str) -> None:
    repo = "owner/free" if "free" in name else "owner/repo"
    assert rm(name, "--yes").output == f"{name} is deleted: 11 B are free\n"
    assert not is_there(folder, repo)
    assert rm(name, "--yes").output == f"{name} is not on disk\n"


@pytest.mark.parametrize(("answer", "is_kept"), [("y", False), ("n", True), ("", True)])
def test_it_asks_first(folder: Path, answer: str, is_kept: bool) -> None:
    own = environment(NO_GATEWAY, folder)
    with terminal("rm", "m", "--url", NO_GATEWAY, folder=folder, environment=own) as process:
        process.expect(r"Delete m\? This frees 11 B\. \[y/N\]: ")
        process.sendline(answer)
        status, _ = ended(process)
    assert (status, is_there(folder, "owner/repo")) == (int(is_kept), is_kept)


def test_ctrl_c_is_no(folder: Path) -> None:
    own = environment(NO_GATEWAY, folder)
    with terminal("rm", "m", "--url", NO_GATEWAY, folder=folder, environment=own) as process:
        process.expect("y/N")
        process.send(CTRL_C)
        status, shown = ended(process)
    assert (status, shown.splitlines()[-1]) == (130, "stopped")
    assert is_there(folder, "owner/repo")


def test_without_a_terminal_nothing_is_deleted_unasked(folder: Path) -> None:
    with pytest.raises(GatewayError, match="this would delete m, 11 B; confirm with --yes"):
        rm("m")
    assert is_there(folder, "owner/repo")


def test_a_loaded_model_is_kept(folder: Path) -> None:
    with served(Script([scripted("Hi")])) as url:
        httpx.post(f"{url}/v1/models/m/load").raise_for_status()
        with pytest.raises(GatewayError, match=r"m is ready in the gateway; .*stop m` first"):
            rm("m", "--yes", url=url)
        httpx.post(f"{url}/v1/models/m/unload").raise_for_status()
        assert is_there(folder, "owner/repo")
        assert rm("m", "--yes", url=url).exit_code == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("same", r"the model twin of models\.yaml has the same file"),
        ("owner/repo:Q8_0", r"the model m of models\.yaml has the same file"),
        ("own", r"own was not downloaded: its source is own\.gguf; delete it yourself"),
        ("no-such", "no-such: expected hf:owner/repo/file"),
    ],
)
def test_what_must_not_be_deleted_is_kept(folder: Path, name: str, message: str) -> None:
    with pytest.raises(GatewayError, match=message):
        rm(name, "--yes")
    assert is_there(folder, "owner/repo")
    assert is_there(folder, "owner/shared")
