"""The section `limits` of models.yaml: the maximum size of a request."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.config.llama import Section

MAX_DEPTH = 64  # of nested JSON; the recursive readers downstream are tested to this depth


class Limits(Section):
    """The maximum size of a request; a larger one gets a 4xx error."""

    body_mb: Annotated[int, Field(ge=1, le=1024)] = 8
    """Maximum body size in MB; 8 MB exceed the text and tools that fit in any context."""
    bodies_mb: Annotated[int, Field(ge=1)] = 256
    """Maximum size of all bodies at once in MB, at least `body_mb`; 256 MB hold 32 of 8 MB."""
    body_s: Annotated[float, Field(gt=0)] = 120
    """Maximum time in seconds for a body to arrive; 8 MB at 1 Mbit/s take 67 s."""
    messages: Annotated[int, Field(ge=1)] = 4096
    """Maximum number of messages; 4096 messages of eight tokens fill a context of 32k."""
    tools: Annotated[int, Field(ge=0)] = 512
    """Maximum number of tools; models get confused by far fewer than 512."""
    schema_kb: Annotated[int, Field(ge=1)] = 1024
    """Maximum KB of each tool and of `response_format`; checking 1024 KB takes up to 2 s."""
    depth: Annotated[int, Field(ge=8, le=MAX_DEPTH)] = MAX_DEPTH
    """Maximum nesting of JSON in any field; 64 is the maximum that the parsers support."""
