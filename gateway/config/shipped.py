"""The files that come with the gateway: chat templates, an adapter, a models.yaml to start from."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# A wheel has the folders in `data`, a checkout at its top; pyproject.toml maps them.
INSTALLED = PACKAGE / "data"
ROOT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent
TEMPLATES = "templates"
FOLDERS = (TEMPLATES, "adapters")

# The models.yaml that `tool-gateway init` writes, and that is served where there is none.
STARTER = Path(__file__).with_name("starter.yaml")


def find(path: Path, folder: Path) -> Path:
    """`path`, relative to `folder`; a file that is not there but shipped, where it is shipped."""
    own, shipped = folder / path, ROOT / path
    is_shipped = path.parts[:1] in [(name,) for name in FOLDERS] and shipped.is_file()
    return shipped if is_shipped and not own.exists() else own


def templates(folder: Path) -> dict[str, Path]:
    """The chat templates by name: those in `folder`, and the shipped ones of other names."""
    files = [*(ROOT / TEMPLATES).glob("*.jinja"), *(folder / TEMPLATES).glob("*.jinja")]
    return dict(sorted({file.stem: file for file in files}.items()))
