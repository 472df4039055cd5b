"""The extras and the options of llama.cpp that pages and errors name exist."""

from __future__ import annotations

import re
import tomllib

from tests.docs.test_docs import DOCS, REPO
from tests.docs.test_pages import files

PAGE = (DOCS / "install.md").read_text()
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
EXTRAS = re.compile(r"(?:tool-gateway|['\"]\.|\.whl)\[([\w,]+)\]")


def test_the_extras_exist() -> None:
    texts = [path.read_text() for path in (*files("*.md"), *files("*.py"), REPO / "Makefile")]
    named = {name for text in texts for found in EXTRAS.findall(text) for name in found.split(",")}
    assert {"model"} <= named <= {*PROJECT["optional-dependencies"]}


def test_each_extra_is_listed() -> None:
    first, *_ = PAGE.split("\n## ")
    rows = re.findall(r"^\| `(\w+)` \|", first, re.MULTILINE)
    assert {*rows} == {*PROJECT["optional-dependencies"]}


def test_the_flags_of_each_backend_are_listed() -> None:
    flags = re.findall(r"^FLAGS_\w+ := (GGML_\w+=\w+)$", (REPO / "Makefile").read_text(), re.M)
    flags.remove("GGML_METAL=ON")  # the default on a Mac
    assert len(flags) >= 3
    assert [flag for flag in flags if f"| `-D{flag}` |" not in PAGE] == []


def test_the_version_of_llama_cpp_python_is_the_required_one() -> None:
    [pinned] = [name for name in PROJECT["dependencies"] if name.startswith("llama-cpp-python==")]
    version = pinned.partition("==")[2]
    named = re.findall(r"llama-cpp-python (\d[\d.]*\d)", PAGE)
    assert named == [version]
