"""Ignores a warning: peft uses a deprecated attribute of transformers."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    message = "`is_gradient_checkpointing` is deprecated"
    config.addinivalue_line("filterwarnings", f"ignore:{message}:FutureWarning")
