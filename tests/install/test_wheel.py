"""The wheel has what the gateway needs and nothing else; the sdist builds the same wheel."""

from __future__ import annotations

import tarfile
from pathlib import Path
from zipfile import ZipFile

from gateway.config.shipped import FOLDERS
from tests.e2e.conftest import REPO
from tests.install.conftest import build


def contents(wheel: Path) -> dict[str, int]:
    """The checksum of each file."""
    with ZipFile(wheel) as archive:
        return {file.filename: file.CRC for file in archive.infolist()}


def test_the_wheel_has_the_package_and_the_shipped_files(wheel: Path) -> None:
    names = {name for name in contents(wheel) if ".dist-info/" not in name}
    files = (path for path in (REPO / "gateway").rglob("*") if path.is_file())
    ours = [path for path in files if "__pycache__" not in path.parts]
    templates = (REPO / "templates").glob("*.jinja")
    assert names >= {path.relative_to(REPO).as_posix() for path in ours}
    assert {name for name in names if name.startswith("gateway/data/")} == {
        "gateway/data/adapters/smollm2-135m-tools.gguf",
        *(f"gateway/data/templates/{path.name}" for path in templates),
    }
    assert {name.split("/")[2] for name in names if name.startswith("gateway/data/")} == {*FOLDERS}
    assert {name.split("/")[0] for name in names} == {"gateway"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", REPO, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.glob("tool_gateway-*")
    assert contents(build("wheel", source, tmp_path / "wheel")) == contents(wheel)
