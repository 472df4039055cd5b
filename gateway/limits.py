"""The section `limits` of models.yaml: how large a request may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.options import Section

MOST_DEPTH = 64  # what reads nested JSON later can bear


class Limits(Section):
    """See models.yaml for what each is, and why it is so many."""

    body_mb: Annotated[int, Field(ge=1, le=1024)] = 8
    messages: Annotated[int, Field(ge=1)] = 4096
    tools: Annotated[int, Field(ge=0)] = 512
    schema_kb: Annotated[int, Field(ge=1)] = 1024
    depth: Annotated[int, Field(ge=8, le=MOST_DEPTH)] = MOST_DEPTH
