"""A `source` resolves to a file, or the error names the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from gateway.errors import DownloadFailed, ModelUnusable
from gateway.hub.source import fetch, locate
from tests.fakes import REPO
from tests.hub.fake_hub import REFUSED, environment, hub, weights

FILE = weights(1000)


def test_a_path_is_relative_to_the_folder_of_models_yaml(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.gguf").touch()
    assert locate("sub/a.gguf", tmp_path) == tmp_path / "sub" / "a.gguf"
    assert locate(str(tmp_path / "sub" / "a.gguf"), Path("/")) == tmp_path / "sub" / "a.gguf"


def test_a_path_may_start_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.gguf").touch()
    assert locate("~/a.gguf", REPO) == tmp_path / "a.gguf"


def test_a_package_file_is_found_without_importing_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holder").mkdir()
    (tmp_path / "holder" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "holder" / "a.gguf").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert locate("package:holder/a.gguf", REPO) == tmp_path / "holder" / "a.gguf"
    with pytest.raises(ModelUnusable, match="no installed package"):
        locate("package:holder/b.gguf", REPO)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such.gguf", r"there is no file .*no/such\.gguf"),
        ("gateway", "there is no file"),
        ("package:no_such_package/a.gguf", "no installed package"),
        ("package:gateway", "no installed package"),
        ("package:", "no installed package"),
        ("package:../x/a.gguf", "no installed package"),
        ("hf:owner/repo", "expected hf:owner/repo/file"),
        ("hf:", "expected hf:owner/repo/file"),
        ("hf:own er/re po/a.gguf", "expected hf:owner/repo/file"),
        ("https://example.invalid/a.gguf", "there is no file"),
    ],
)
def test_a_missing_file_is_reported_with_its_source(source: str, message: str) -> None:
    with pytest.raises(ModelUnusable, match=message):
        locate(source, REPO)


@pytest.mark.parametrize("source", ["hf:owner/repo/sub/a-Q8_0.gguf", "hf:owner/repo:q8_0"])
async def test_a_hub_file_is_downloaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with hub({"sub/a-Q8_0.gguf": FILE}) as fake:
        for name, value in fake.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        assert locate(source, Path()) is None
        path = await fetch(source, Path())
    assert path.read_bytes() == FILE
    assert locate(source, Path()) == path
    assert await fetch(source, Path()) == path


async def test_a_failed_download_names_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(REFUSED, tmp_path).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DownloadFailed, match=r"cannot download hf:owner/repo/a\.gguf: can't reach"):
        await fetch("hf:owner/repo/a.gguf", Path())
