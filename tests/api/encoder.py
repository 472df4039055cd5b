"""A scripted embedding model."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.fakes import READY, Script

ENTRY: dict[str, Any] = {"embeddings": True, "template": "gguf", "format": None}


class Encoder(Script):
    """A script that makes vectors."""

    def __init__(self) -> None:
        super().__init__([], msgspec.structs.replace(READY, dimensions=2))
