"""A scripted embedding model."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.fakes import INFO, Script

ENTRY: dict[str, Any] = {"embeddings": True, "template": "gguf", "format": None}


class Encoder(Script):
    """A script that returns vectors."""

    def __init__(self) -> None:
        super().__init__([], msgspec.structs.replace(INFO, dimensions=2))
