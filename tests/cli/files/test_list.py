"""`tool-gateway list` shows each model of models.yaml, and the rest of the cache."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from gateway.cli.files.inventory import Item, Place, inventory, unnamed
from gateway.cli.main import app
from gateway.config.load import Config, Entry
from tests.cli.terminal import ended, terminal
from tests.fakes import Script, scripted
from tests.hub.cache_files import put, put_partial
from tests.hub.fake_hub import environment
from tests.served import served

NO_GATEWAY = "http://127.0.0.1:9"
MODELS = """
models:
  here: {source: "hf:owner/repo:Q8_0", aliases: [alias]}
  there: {source: "hf:owner/other/b-Q4_K_M.gguf"}
  half: {source: "hf:owner/half:Q6_K"}
  own: {source: own-F16.gguf, lora: adapter.gguf}
  gone: {source: gone.gguf}
  far: {source: "http://127.0.0.1:9/v1", template: chatml, format: hermes}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a models.yaml whose models are everywhere, with a cache in `hub`."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "hub", "owner/repo", "c1", "a-Q8_0.gguf", "a-Q2_K.gguf")
    put_partial(tmp_path / "hub", "owner/half", "e1", 2000)
    (tmp_path / "own-F16.gguf").write_bytes(bytes(3000))
    (tmp_path / "adapter.gguf").write_bytes(bytes(1000))
    (tmp_path / "models.yaml").write_text(MODELS)
    return tmp_path


def listed(url: str = NO_GATEWAY) -> list[list[str]]:
    """The words of each line."""
    result = CliRunner().invoke(app, ["list", "--url", url], catch_exceptions=False)
    return [line.split() for line in result.output.splitlines()]


def test_each_model_has_its_place_size_and_quantization(folder: Path) -> None:
    assert listed() == [
        ["MODEL", "STATE", "SIZE", "QUANTIZATION"],
        ["here", "on", "disk", "11", "B", "Q8_0"],
        ["there", "to", "download", "Q4_K_M"],
        ["half", "interrupted", "2", "kB", "Q6_K"],
        ["own", "on", "disk", "4", "kB", "F16"],
        ["gone", "missing"],
        ["far", "remote"],
        [],
        ["In", "the", "cache,", "and", "not", "in", "models.yaml:"],
        ["11", "B", "hf:owner/repo/a-Q2_K.gguf"],
    ]


def test_a_model_that_a_gateway_has_loaded_is_shown(folder: Path) -> None:
    (folder / "models.yaml").write_text(MODELS.replace("here:", "m:"))
    with served(Script([scripted("Hi")])) as url:
        assert listed(url)[1][:2] == ["m", "on"]
        httpx.post(f"{url}/v1/models/m/load").raise_for_status()
        assert listed(url)[1][:2] == ["m", "loaded"]


def test_a_long_reference_is_whole_on_a_narrow_terminal(folder: Path) -> None:
    own = environment(NO_GATEWAY, folder)
    with terminal("list", "--url", NO_GATEWAY, folder=folder, environment=own, columns=30) as run:
        status, shown = ended(run)
    lines = shown.splitlines()
    assert status == 0
    assert max(map(len, lines)) <= 30
    assert "hf:owner/repo/a-Q2_K.gguf" in "".join(line.strip() for line in lines)


def test_a_split_model_without_all_its_parts_is_interrupted(folder: Path) -> None:
    part = "b-F16-00001-of-00002.gguf"
    snapshot = put(folder / "hub", "owner/split", "c1", part)
    put_partial(folder / "hub", "owner/split", "e1", 100)
    config = Config(models={"m": Entry(source="hf:owner/split:F16")}, folder=folder)
    size = len(part) + 100
    assert inventory(config) == [Item("m", Place.INTERRUPTED, "F16", (snapshot / part,), size)]


def test_an_adapter_that_is_there_is_no_interrupted_download(folder: Path) -> None:
    entry = Entry.model_validate({"source": "hf:owner/none:Q8_0", "lora": "adapter.gguf"})
    [item] = inventory(Config(models={"m": entry}, folder=folder))
    assert (item.place, item.size) == (Place.TO_DOWNLOAD, 0)


def test_the_parts_of_a_split_model_count_as_one(folder: Path) -> None:
    parts = ("b-F16-00001-of-00002.gguf", "b-F16-00002-of-00002.gguf")
    snapshot = put(folder / "hub", "owner/split", "c1", *parts)
    config = Config(models={"m": Entry(source="hf:owner/split:F16")}, folder=folder)
    [item] = inventory(config)
    files = tuple(snapshot / part for part in parts)
    assert item == Item("m", Place.ON_DISK, "F16", files, sum(map(len, parts)))
    assert "owner/split" not in {one.reference.repo for one in unnamed([item])}
