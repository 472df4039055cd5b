"""peft asks transformers in a way that it is about to give up."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    told = "`is_gradient_checkpointing` is deprecated"
    config.addinivalue_line("filterwarnings", f"ignore:{told}:FutureWarning")
