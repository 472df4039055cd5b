"""Checks the form of the catalogue's files against JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from gateway.chat.json import Json

FORM = yaml.safe_load((Path(__file__).parent / "form.yaml").read_text("utf-8"))
KINDS = {
    "values": "pools",
    "talk": "talk",
    "manners": "manners",
    "clients": "clients",
    "rivals": "rivals",
}


def kind(path: Path) -> str:
    """The kind of the file at `path`, by its name."""
    return KINDS.get(path.stem, "tools") if path.parent.name != "tools" else "tools"


def faults(data: Json, kind: str) -> Iterator[str]:
    """Yields the faults in the form of `data`."""
    validator = Draft202012Validator({**FORM, "$ref": f"#/$defs/{kind}"})
    for error in validator.iter_errors(data):
        yield f"{_place(data, error)}{_reason(error)}"


def _place(data: Any, error: ValidationError) -> str:
    steps = [str(step) for step in error.absolute_path]
    if steps and isinstance(data, list) and isinstance(tool := data[int(steps[0])], dict):
        steps[0] = str(tool.get("name", f"tool {steps[0]}"))
    return f"{' '.join(steps)}: " if steps else ""


def _reason(error: ValidationError) -> str:
    inner = best_match([error]) or error
    if inner.validator == "minItems" and isinstance(inner.instance, list):
        return f"{len(inner.instance)} items, but at least {inner.validator_value} are required"
    return (
        inner.message
        if len(inner.message) < 120
        else f"{inner.message[:80]} ... {inner.message[-40:]}"
    )
