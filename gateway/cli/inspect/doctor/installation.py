"""What is installed: the gateway, the default weights, a models.yaml."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.inspect.finding import Finding, Level
from gateway.config.load import load
from gateway.config.shipped import ROOT, STARTER
from gateway.errors import ConfigError, ModelUnusable
from gateway.formats.families import FAMILIES
from gateway.hub.source import locate


def findings(config: Path) -> Iterator[Finding]:
    """The versions, what `config` has, and whether the default model can be served."""
    version = importlib.metadata.version("tool-gateway")
    yield Finding("tool-gateway", f"{version}, {ROOT}, {sys.executable}")
    yield _models(config)
    yield _default_model()


def _models(config: Path) -> Finding:
    if config == STARTER:
        cure = "`tool-gateway init` writes one; until then the default model is served"
        return Finding("models.yaml", "there is none in this folder", Level.NOTE, cure)
    try:
        models = load(config, tuple(FAMILIES)).models
    except ConfigError as error:
        return Finding("models.yaml", " ".join(error.message.split()), Level.PROBLEM)
    number = f"{len(models)} model{'s' * (len(models) != 1)}"
    return Finding("models.yaml", f"{config} has {number}; `tool-gateway check` reads them")


def _default_model() -> Finding:
    [entry] = load(STARTER, tuple(FAMILIES)).models.values()
    try:
        path = locate(entry.source, STARTER.parent)
    except ModelUnusable as error:
        return Finding("default model", error.message, Level.NOTE)
    return Finding("default model", str(path))
