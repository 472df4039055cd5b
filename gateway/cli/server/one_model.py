"""The configuration of `serve MODEL`: one model, which is no entry of a models.yaml."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.cli.files.shown_download import fetch_shown, fetched_source
from gateway.config.load import Config, Entry, guess
from gateway.config.remote import is_remote
from gateway.config.shipped import templates
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.hub.reference import FORMS, is_hub_model
from gateway.models.description import describe
from gateway.prompt.detect_format import detect_format
from gateway.prompt.template import Template, Vocabulary

VOCABULARY = Vocabulary("", "", {})


def one_model(model: str, settings: Mapping[str, Any]) -> Config:
    """The configuration that serves `model` alone, under the name of its file.

    `model` is a path in the current folder, another `source` as in models.yaml, a repository of
    Hugging Face as `hf:owner/repo`, or the address of its page. `settings` are other keys of the
    entry. Raises GatewayError if the file is no model, or if its template or format is unknown.
    """
    _check_source(model)
    named = Entry.model_validate({"preload": True, **settings, "source": model})
    _check_names(named.template, named.format)
    entry = named.model_copy(update={"source": fetched_source(model)})
    path = fetch_shown(entry.source)
    name = path.name.removesuffix(".gguf")
    print(f"{name}: {_how_it_calls(entry, path)}", file=sys.stderr)
    return Config(models={name: entry})


def _check_source(model: str) -> None:
    if is_hub_model(model) or model.startswith("package:"):
        return
    if is_remote(model):
        raise ConfigError(f"{model}: a remote engine needs an entry in models.yaml")
    if not Path(model).expanduser().is_file():
        is_name = model and not (model.endswith(".gguf") or "/" in model)
        by_name = "; all models of models.yaml are served without MODEL" if is_name else ""
        raise ConfigError(
            f"there is no file {model!r}; give the path of a GGUF file, or {FORMS}{by_name}"
        )


def _check_names(template: str, format: str | None) -> None:
    known = ["gguf", *templates(Path())]
    if template not in known:
        raise ConfigError(
            f"--template: found {template!r}, expected one of {', '.join(known)}"
            f"{guess(template, known)}"
        )
    if format is not None and format not in FAMILIES:
        raise ConfigError(
            f"--format: there is no format {format!r}; `tool-gateway formats` lists them"
            f"{guess(format, FAMILIES)}"
        )


def _how_it_calls(entry: Entry, path: Path) -> str:
    """The template and the format in words; raises GatewayError if one is unknown."""
    text = describe(entry, Path()).template
    if not text:
        names = ", ".join(templates(Path()))
        raise ConfigError(f"{path} has no chat template; choose one with --template: {names}")
    template = "its own template" if entry.template == "gguf" else f"template {entry.template}"
    try:
        format = FAMILIES[entry.format] if entry.format else detect_format(text, VOCABULARY)
    except ConfigError as error:
        raise ConfigError(
            f"the format of {path} is unknown from {template}: {error.message}; choose one with"
            " --format, of those that `tool-gateway formats` lists"
        ) from error
    detected = "" if entry.format else ", detected from the template"
    if not Template(text, format, VOCABULARY).shows_tools:
        return (
            f"{template} does NOT show tools to the model: choose another with --template;"
            f" `tool-gateway check --template {path}` names those that fit"
        )
    return f"{template}, format {format.name}{detected}"
