"""Reads the text of a models.yaml."""

from __future__ import annotations

from pathlib import Path

from gateway.config.load import Config, load
from gateway.formats.families import FAMILIES

FORMATS = tuple(FAMILIES)


def read(text: str, tmp_path: Path) -> Config:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, FORMATS)
