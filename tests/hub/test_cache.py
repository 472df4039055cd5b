"""Models in the Hugging Face cache are found as huggingface_hub lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from gateway.hub.cache import cached, cached_files, cached_models, partial_files, reference_of
from gateway.hub.reference import parse_reference
from tests.hub.cache_files import put, put_partial


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_a_file_and_a_quantization_are_found(home: Path) -> None:
    snapshot = put(home, "owner/repo", "c1", "sub/a-Q8_0.gguf", "README.md")
    for wanted in ("owner/repo/sub/a-Q8_0.gguf", "owner/repo:Q8_0"):
        assert cached(parse_reference(wanted)) == snapshot / "sub/a-Q8_0.gguf"
    for wanted in ("owner/repo/a-Q8_0.gguf", "owner/repo:Q4_0", "owner/other:Q8_0"):
        assert cached(parse_reference(wanted)) is None


def test_the_latest_commit_comes_before_earlier_ones(home: Path) -> None:
    latest = put(home, "owner/repo", "c1", "a.gguf")
    earlier = put(home, "owner/repo", "c0", "a.gguf", "b.gguf", latest=False)
    assert cached(parse_reference("owner/repo/a.gguf")) == latest / "a.gguf"
    assert cached(parse_reference("owner/repo/b.gguf")) == earlier / "b.gguf"


def test_a_model_without_all_of_its_parts_is_not_there(home: Path) -> None:
    first, second = "a-Q8_0-00001-of-00002.gguf", "a-Q8_0-00002-of-00002.gguf"
    snapshot = put(home, "owner/repo", "c1", first)
    for wanted in (f"owner/repo/{first}", "owner/repo:Q8_0"):
        assert cached(parse_reference(wanted)) is None
    put(home, "owner/repo", "c1", second)
    for wanted in (f"owner/repo/{first}", "owner/repo:Q8_0"):
        assert cached(parse_reference(wanted)) == snapshot / first


def test_a_link_to_contents_that_are_gone_is_no_file(home: Path) -> None:
    snapshot = put(home, "owner/repo", "c1", "a.gguf")
    (snapshot / "a.gguf").resolve().unlink()
    assert cached(parse_reference("owner/repo/a.gguf")) is None


def test_all_models_of_the_cache_are_listed_once(home: Path) -> None:
    parts = ("b-Q8_0-00001-of-00002.gguf", "b-Q8_0-00002-of-00002.gguf")
    put(home, "owner/re--po", "c1", "a.gguf", *parts, "mmproj-a.gguf", "README.md")
    put(home, "owner/re--po", "c0", "a.gguf", latest=False)
    put(home, "other/repo", "c1", "c-00002-of-00002.gguf")
    found = {str(model.reference): model for model in cached_models()}
    assert list(found) == ["hf:owner/re--po/a.gguf", f"hf:owner/re--po/{parts[0]}"]
    split = found[f"hf:owner/re--po/{parts[0]}"]
    assert [file.name for file in split.files] == list(parts)
    assert split.size == sum(map(len, parts))


def test_a_path_in_the_cache_has_a_reference(home: Path) -> None:
    snapshot = put(home, "owner/re--po", "c1", "sub/a.gguf")
    assert str(reference_of(snapshot / "sub/a.gguf")) == "hf:owner/re--po/sub/a.gguf"


def test_the_files_of_a_model_are_all_its_parts(home: Path) -> None:
    parts = ("b-Q8_0-00001-of-00002.gguf", "b-Q8_0-00002-of-00002.gguf")
    snapshot = put(home, "owner/repo", "c1", *parts)
    assert cached_files(parse_reference("owner/repo:Q8_0")) == tuple(snapshot / p for p in parts)
    assert cached_files(parse_reference("owner/repo:Q4_0")) == ()
    (snapshot / parts[1]).unlink()
    assert cached_files(parse_reference("owner/repo:Q8_0")) == (snapshot / parts[0],)


def test_what_interrupted_downloads_have_left_is_found(home: Path) -> None:
    partial = put_partial(home, "owner/repo", "e1", 10)
    put_partial(home, "owner/other", "e2", 10)
    assert partial_files("owner/repo") == [partial]
