"""What can be asked of a model."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config.load import Entry
from gateway.formats.format import Format
from gateway.prompt.template import Template


@dataclass(frozen=True, slots=True)
class Capabilities:
    """None where that is not known yet."""

    tools: bool | None
    parallel_tool_calls: bool | None
    reasoning: bool | None
    embeddings: bool


def capabilities(entry: Entry, format: Format | None, template: Template | None) -> Capabilities:
    """`format` and `template` may be known only when the model is loaded."""
    if entry.embeddings:
        return Capabilities(False, False, False, True)
    if format is None:
        return Capabilities(None, None, None, False)
    tools = template.shows_tools if template else True
    return Capabilities(tools, tools and not format.single_call, format.think is not None, False)
