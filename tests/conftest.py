"""What is run: tests that read the vendors' own templates, only where these are at hand."""

from __future__ import annotations

import pytest

from tests import numerics
from tests.formats.officials import OFFICIAL


def pytest_report_header() -> str:
    return f"numerics: {numerics.NAME}, {numerics.NUMERICS}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if OFFICIAL.is_dir():
        return
    beyond = [item for item in items if item.get_closest_marker("vendors")]
    items[:] = [item for item in items if item not in beyond]
    config.hook.pytest_deselected(items=beyond)
