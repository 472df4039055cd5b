"""The pages name only files that exist, their links resolve, and the README stays short."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SKIPPED = {"build", "node_modules"}  # and hidden folders
MAX_README_LINES = 150
ROOMS = "gateway|tests|docs|templates|bench|training"
# A file or a folder of the repository: `docs/api.md`, `gateway/api`, `templates/`.
PATH = re.compile(rf"(?<![\w./-])(?:{ROOMS})/[\w./*-]*")
# A Python file, by the end of its path.
MODULE = re.compile(r"(?<!\w)\w[\w./-]*\.py\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def files(pattern: str) -> list[Path]:
    found = [path for path in sorted(REPO.rglob(pattern)) if path.is_file()]
    return [path for path in found if not any(map(_is_skipped, path.relative_to(REPO).parts[:-1]))]


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder in SKIPPED


def prose(path: Path) -> Iterator[str]:
    """The docstrings and comments of a Python file."""
    with tokenize.open(path) as file:
        source = file.read()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    with path.open("rb") as binary:
        for token in tokenize.tokenize(binary.readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def missing(text: str) -> list[str]:
    """The paths in `text` that are not in the repository."""
    named = {found.rstrip(".") for found in PATH.findall(text)}
    return sorted(name for name in named if not _exists(name))


def missing_modules(text: str) -> list[str]:
    """The Python files that `text` names by the end of their paths, and that do not exist."""
    known = [f"/{name(path)}" for path in files("*.py")]
    named = set(MODULE.findall(text))
    return sorted(n for n in named if not any(k.endswith(f"/{n}") for k in known))


def _exists(name: str) -> bool:
    return any(REPO.glob(name)) if "*" in name else (REPO / name).exists()


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name(path: Path) -> str:
    return path.relative_to(REPO).as_posix()


def test_a_missing_path_is_found() -> None:
    text = (
        "see `gateway/app.py`, gateway/gone.py. And tests/*.py, bench/*.rb; `api/sse.py`, `no.py`"
    )
    assert missing(text) == ["bench/*.rb", "gateway/gone.py"]
    assert missing_modules(text) == ["gateway/gone.py", "no.py"]


@pytest.mark.parametrize("page", files("*.md"), ids=name)
def test_a_page_names_only_paths_that_exist(page: Path) -> None:
    text = page.read_text()
    assert missing(text) + missing_modules(text) == []


def test_docstrings_and_comments_name_only_paths_that_exist() -> None:
    wrong = {name(path): missing("\n".join(prose(path))) for path in files("*.py")}
    assert {path: paths for path, paths in wrong.items() if paths} == {}


@pytest.mark.parametrize("page", files("*.md"), ids=name)
def test_the_links_of_a_page_resolve(page: Path) -> None:
    wrong = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_the_readme_is_short() -> None:
    lines = (REPO / "README.md").read_text().splitlines()
    assert len(lines) <= MAX_README_LINES
