"""What models really wrote: the records of canitoolcall, judged by its own checks."""

from __future__ import annotations

from functools import cache

import pytest
from canitoolcall.checks import case_status, run_checks
from canitoolcall.fixtures import Family, Fixture, load_families, load_fixtures
from canitoolcall.results import Observation, ParsedToolCall, ParseResult, Status

from gateway.chat.events import CallArguments, CallStart, Event, Reasoning, Text
from gateway.chat.messages import Tool
from gateway.formats.evidence import EVIDENCE
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder
from gateway.parsing.expected_markers import answer_prefix

# The family's variant, as the package names it, and the format that it is.
FORMATS = {variant: name for name, found in EVIDENCE.items() for variant in found.records}
RECORDS = [*load_fixtures()]


@cache
def families() -> dict[str, Family]:
    found = load_families()
    return found if isinstance(found, dict) else {family.slug: family for family in found}


def told(record: Fixture) -> tuple[Format, str]:
    """The format of a record, and the prompt that it goes on from."""
    models = {model.repo: model for model in families()[record.family].reference_models}
    model = models[record.reference_model]
    prompt = record.generation_prompt
    usual = model.default_generation_prompt or ""
    return FAMILIES[FORMATS[model.variant or ""]], usual if prompt is None else prompt


def decoded(record: Fixture, size: int) -> tuple[list[Event], list[str]]:
    """What is read of a record in chunks of `size` characters, and what is noted."""
    format, prompt = told(record)
    functions = [tool["function"] for tool in record.tools]
    tools = [Tool(f["name"], "", f.get("parameters") or {}) for f in functions]
    decoder = Decoder(format, tools, whole=True)
    events = decoder.feed(answer_prefix(format, prompt))
    for start in range(0, len(record.raw_output), size):
        events += decoder.feed(record.raw_output[start : start + size])
    events += decoder.close(complete=not record.truncated)
    return events, [note.text for note in decoder.notes]


def parsed(record: Fixture, size: int) -> ParseResult:
    """The same in the package's own terms."""
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


def test_the_records_are_all_there() -> None:
    assert len(RECORDS) == 469


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_a_recorded_output_is_read_as_it_was_meant(record: Fixture) -> None:
    whole = max(1, len(record.raw_output))
    # The names are those of the package: `rand` counts for its verdict, `char` would not.
    streams = {"one": whole, "token": 1, "rand:1:8": 3, "rand:2:8": 8}
    seen = Observation(
        nonstream=parsed(record, whole),
        streams={name: parsed(record, size) for name, size in streams.items()},
    )
    rows = run_checks(record, families()[record.family], seen)
    assert rows
    wrong = [row for row in rows if row.status not in (Status.PASS, Status.SOFT_PASS)]
    assert case_status(rows) in (Status.PASS, Status.SOFT_PASS), wrong


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_what_is_noted_does_not_depend_on_how_a_text_is_cut(record: Fixture) -> None:
    whole = max(1, len(record.raw_output))
    assert decoded(record, 1)[1] == decoded(record, 7)[1] == decoded(record, whole)[1]
