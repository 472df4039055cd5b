"""Chooses the file that a reference means, among the files of its repository. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from gateway.errors import ModelUnusable
from gateway.hub.file_names import is_model, parts, quantization
from gateway.hub.reference import Reference

DEFAULT_QUANTIZATION = "Q4_K_M"  # llama.cpp's and Ollama's default as well
NO_SUCH_FILE = "file_not_on_hub"
MAX_NAMED = 20


def choose(reference: Reference, names: Sequence[str]) -> str:
    """The name of the file, which is the first part of a model that is split.

    `names` are the files of the repository. Raises ModelUnusable, which names what there is.
    """
    if reference.file:
        if reference.file in names:
            return reference.file
        raise _unknown(reference, reference.file, _nearest(reference.file, names))
    models = sorted(filter(is_model, names))
    if not models:
        raise ModelUnusable(f"{reference}: the repository has no GGUF files", code=NO_SUCH_FILE)
    wanted = reference.quantization or DEFAULT_QUANTIZATION
    found = [name for name in models if quantization(name) == wanted.upper()]
    if not found and not reference.quantization and len(models) == 1:
        found = models
    match found:
        case [name]:
            return name
        case []:
            raise _unknown(reference, f"quantization {wanted}", _quantizations(models))
    raise ModelUnusable(
        f"{reference}: {len(found)} files are {wanted}; name one: {_listed(found)}",
        code=NO_SUCH_FILE,
    )


def missing_parts(file: str, names: Sequence[str]) -> list[str]:
    """The parts of the model in `file` that are not among `names`."""
    return [part for part in parts(file) if part not in names]


def _quantizations(models: Sequence[str]) -> list[str]:
    return sorted({found for name in models if (found := quantization(name))}) or list(models)


def _nearest(file: str, names: Sequence[str]) -> list[str]:
    models = [name for name in names if is_model(name)]
    return difflib.get_close_matches(file, models, 5, cutoff=0.5) or models


def _unknown(reference: Reference, what: str, known: Sequence[str]) -> ModelUnusable:
    cure = f"there are {_listed(known)}" if known else "it has no GGUF files"
    return ModelUnusable(f"{reference.repo} has no {what}; {cure}", code=NO_SUCH_FILE)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
