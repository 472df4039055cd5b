"""The section `responses` of models.yaml: where responses are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config.llama import Section


class ResponseStorage(Section):
    """Storage of responses, which clients continue with `previous_response_id` or read later."""

    file: Path | None = None
    """SQLite file that survives a restart, relative to models.yaml; by default they are in RAM."""
    max_mb: Annotated[int, Field(ge=1, lt=2**24)] = 64
    """Maximum size in MB; 64 MB hold 10,000 turns of 6 KB. The least recently used are deleted."""
    max_days: Annotated[float, Field(gt=0, le=36_500)] = 30
    """Days since its last use after which a response is deleted; 30 as in the OpenAI API."""
