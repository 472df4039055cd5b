"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import gateway


def test_examples_in_docstrings_are_true() -> None:
    found = pkgutil.walk_packages(gateway.__path__, "gateway.")
    names = [module.name for module in found if not module.name.endswith("__main__")]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.attempted for result in results) > 0
    assert not any(result.failed for result in results)
