"""The clients in `node/`, each file by node's own test runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
NODE = Path(sys.executable).parent / "node"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name)
def test_node(file: Path, url: str) -> None:
    environment = {**os.environ, "GATEWAY_URL": url, "AI_SDK_LOG_WARNINGS": "false"}
    ran = subprocess.run(
        [NODE, "--test", file], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
