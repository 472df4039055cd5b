"""The section `limits` of models.yaml: how large a request may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.config.llama import Section

MOST_DEPTH = 64  # what reads nested JSON later can bear


class Limits(Section):
    """How large a request may be; what is larger is refused with a 4xx."""

    body_mb: Annotated[int, Field(ge=1, le=1024)] = 8
    """The whole of it; 8 MB are more than any context's text and tools."""
    messages: Annotated[int, Field(ge=1)] = 4096
    """How many there may be; 4096 are as many as 32k tokens hold of eight each."""
    tools: Annotated[int, Field(ge=0)] = 512
    """How many there may be; a model loses its way among far fewer than 512."""
    schema_kb: Annotated[int, Field(ge=1)] = 1024
    """Each tool, and the response_format; to check 1024 KB takes up to 2 s."""
    depth: Annotated[int, Field(ge=8, le=MOST_DEPTH)] = MOST_DEPTH
    """Lists and objects inside each other; 64 is the most that what reads them can bear."""
