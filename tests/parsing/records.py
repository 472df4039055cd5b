"""Decodes the recorded answers of canitoolcall."""

from __future__ import annotations

from functools import cache

from canitoolcall.fixtures import Family, Fixture, load_families, load_fixtures
from canitoolcall.results import ParsedToolCall, ParseResult

from gateway.chat.events import CallArguments, CallStart, Event, Reasoning, Text
from gateway.chat.messages import Tool
from gateway.formats.encode import answer_prefix
from gateway.formats.evidence import EVIDENCE
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder

# The family's variant, as the package names it, and the format that it is.
FORMATS = {variant: name for name, found in EVIDENCE.items() for variant in found.records}

RECORDS = [*load_fixtures()]


@cache
def families() -> dict[str, Family]:
    found = load_families()
    return found if isinstance(found, dict) else {family.slug: family for family in found}


def format_and_prompt(record: Fixture) -> tuple[Format, str]:
    """The format of a record, and its prompt."""
    models = {model.repo: model for model in families()[record.family].reference_models}
    model = models[record.reference_model]
    prompt = record.generation_prompt
    usual = model.default_generation_prompt or ""
    return FAMILIES[FORMATS[model.variant or ""]], usual if prompt is None else prompt


def decoded(record: Fixture, size: int) -> tuple[list[Event], list[str]]:
    """The turn and the notes of a record that arrives in chunks of `size` characters."""
    format, prompt = format_and_prompt(record)
    functions = [tool["function"] for tool in record.tools]
    tools = [Tool(f["name"], "", f.get("parameters") or {}) for f in functions]
    decoder = Decoder(format, tools, whole_calls=True)
    events = decoder.feed(answer_prefix(format, prompt))
    for start in range(0, len(record.raw_output), size):
        events += decoder.feed(record.raw_output[start : start + size])
    events += decoder.close(complete=not record.truncated)
    return events, [note.text for note in decoder.notes]


def parsed(record: Fixture, size: int) -> ParseResult:
    """The same as canitoolcall represents it."""
    events, _ = decoded(record, size)
    calls: list[tuple[str, str]] = []
    for event in events:
        match event:
            case CallStart(name):
                calls.append((name, ""))
            case CallArguments(json):
                calls[-1] = (calls[-1][0], calls[-1][1] + json)
    return ParseResult(
        content="".join(event.text for event in events if isinstance(event, Text)) or None,
        reasoning_content="".join(e.text for e in events if isinstance(e, Reasoning)) or None,
        tool_calls=tuple(ParsedToolCall(name, arguments) for name, arguments in calls),
    )
