"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import gateway.wire


def test_examples_in_docstrings_are_true() -> None:
    names = [f"gateway.wire.{found.name}" for found in pkgutil.iter_modules(gateway.wire.__path__)]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.attempted for result in results) > 0
    assert not any(result.failed for result in results)
