"""Calls the checker of the package `bfcl-eval`, which has to be installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from gateway.evaluation.bfcl.tools import LANGUAGES

if TYPE_CHECKING:
    from gateway.evaluation.bfcl.suite import Check, Entry

MODELS = "bfcl_eval.constants.model_config"
MODEL = "any"


def load_checker() -> Check:
    """A function that returns BFCL's name of what is wrong with calls; empty if they are right."""
    checker = _import_checker()
    languages = importlib.import_module("bfcl_eval.constants.enums").Language

    def check(entry: Entry, calls: Sequence[dict[str, Any]]) -> str:
        language = languages[LANGUAGES.get(entry.category, "Python").upper()]
        request = [list(entry.functions), list(calls), list(entry.accepted), language]
        try:
            found = checker.ast_checker(*request, entry.category, MODEL)
        except Exception as error:  # it fails on values of types that it does not expect
            return f"checker failed: {type(error).__name__}"
        return "" if found["valid"] else str(found["error_type"])

    return check


def _import_checker() -> ModuleType:
    """The checker, without the clients of all models that its configuration imports.

    All that it asks of a model is whether its tools' names have underscores instead of dots.
    """
    models: Any = ModuleType(MODELS)
    models.MODEL_CONFIG_MAPPING = {MODEL: SimpleNamespace(underscore_to_dot=True)}
    sys.modules[MODELS] = models
    try:
        return importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
    finally:
        del sys.modules[MODELS]
