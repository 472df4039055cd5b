"""Serves the default model and two others: `python -m clients.serve PORT`.

`calling` makes several calls, `ending` says the same text each time. This runs in .venv, the
clients in .venv-clients.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tests import numerics, reciters
from tests.e2e.conftest import TOOL_GATEWAY, default_entry


def main(port: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entry = numerics.entry(**{**default_entry(), "context": 4096})
        entry["sampling"] = {**entry["sampling"], "temperature": 0}
        models = {
            "smollm2": {**entry, "preload": True},
            "calling": reciters.entry(reciters.calling(folder)),
            "ending": reciters.entry(reciters.ending(folder)),
        }
        (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
        config = str(folder / "models.yaml")
        subprocess.run([TOOL_GATEWAY, "serve", "--port", port, "--config", config], check=False)


if __name__ == "__main__":
    main(sys.argv[1])
