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
    bodies_mb: Annotated[int, Field(ge=1)] = 96
    """Maximum size of all bodies at once in MB, at least `body_mb`; 96 MB hold 12 of 8 MB."""
    body_s: Annotated[float, Field(gt=0)] = 120
    """Maximum time in seconds for a body to arrive; 8 MB at 1 Mbit/s take 67 s."""
    structure: Annotated[int, Field(ge=1)] = 150_000
    """Maximum brackets and strings in a body's JSON; 4096 messages of two parts have 80,000."""
    messages: Annotated[int, Field(ge=1)] = 4096
    """Maximum number of messages; 4096 messages of eight tokens fill a context of 32k."""
    tools: Annotated[int, Field(ge=0)] = 512
    """Maximum number of tools; models get confused by far fewer than 512."""
    schema_kb: Annotated[int, Field(ge=1)] = 1024
    """Maximum KB of each tool and of `response_format`; checking 1024 KB takes up to 2 s."""
    schema_values: Annotated[int, Field(ge=1)] = 50_000
    """Maximum JSON values in the schemas of all tools; 512 tools of 20 parameters have 32,000."""
    schema_properties: Annotated[int, Field(ge=1)] = 10_000
    """Maximum properties in these schemas; 512 tools of 15 parameters have 7,680."""
    schema_branches: Annotated[int, Field(ge=1)] = 10_000
    """Maximum alternatives and conditions; 5,000 optional parameters of Pydantic have so many."""
    schema_enum_values: Annotated[int, Field(ge=1)] = 20_000
    """Maximum values of `enum`; the longest lists in use, such as airports, have some 10,000."""
    schema_patterns: Annotated[int, Field(ge=1)] = 500
    """Maximum regular expressions; a pattern for each parameter of fifty tools is fewer."""
    schema_references: Annotated[int, Field(ge=1)] = 5_000
    """Maximum references; the largest schemas in use, of whole APIs, have some 2,000."""
    schema_cpu_s: Annotated[float, Field(gt=0)] = 2
    """Maximum CPU seconds to compile the schemas of a request; 3,000 properties in one take 1 s."""
    schema_memory_mb: Annotated[int, Field(ge=256)] = 1024
    """Maximum MB of data of the process that compiles them; 3,000 properties in one take 60."""
    depth: Annotated[int, Field(ge=8, le=MAX_DEPTH)] = MAX_DEPTH
    """Maximum nesting of JSON in any field; 64 is the maximum that the parsers support."""
