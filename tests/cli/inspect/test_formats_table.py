"""The table of formats is generated from their declarations."""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway.chat.events import collect
from gateway.chat.messages import Call, Turn
from gateway.cli.inspect.formats_table import as_markdown, as_table
from gateway.formats.evidence import EVIDENCE
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder

DOCS = Path(__file__).parents[3] / "docs"
CELLS = re.compile(r"(?<!\\)\|")


def cells(line: str) -> list[str]:
    """The cells of a Markdown row, without the marks around code."""
    return [cell.replace("\\|", "|").strip(" `") for cell in CELLS.split(line)[1:-1]]


ROWS = {row[0]: row for line in as_markdown().splitlines() if len(row := cells(line)) == 7}


def test_docs_formats_is_up_to_date() -> None:
    made = as_markdown() + "\n"
    assert (DOCS / "formats.md").read_text() == made, "tool-gateway formats --markdown"


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES.keys())
def test_the_example_call_of_a_format_can_be_parsed(format: Format) -> None:
    shown = ROWS[format.name][2].replace(r"\n", "\n")
    # Fences are taken off with the marks around code.
    shown = "```" * (format.name == "json_block") + shown
    shown += "```" * (format.name in ("command_r", "json_block"))
    decoder = Decoder(format, None, strict=True)
    assert collect([*decoder.feed(shown), *decoder.close()]) == Turn(calls=(Call("f", {"k": "v"}),))


def test_every_format_has_evidence() -> None:
    assert set(EVIDENCE) == set(FAMILIES)
    assert all(evidence.models for evidence in EVIDENCE.values())


def test_no_evidence_is_listed_twice() -> None:
    told = [one for found in EVIDENCE.values() for one in (*found.templates, *found.records)]
    assert [one for one, times in Counter(told).items() if times > 1] == []


def test_a_format_without_official_template_is_listed_as_such() -> None:
    for name, evidence in EVIDENCE.items():
        assert ROWS[name][-1].startswith("no official template") != bool(evidence.templates)


def shown(width: int) -> str:
    console = Console(width=width, file=StringIO())
    with console.capture() as capture:
        console.print(as_table())
    return capture.get()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_the_terminal(width: int) -> None:
    lines = shown(width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert {line.split()[0] for line in lines if line[1:2].strip()} >= set(FAMILIES)


def test_the_table_shows_every_call_in_full() -> None:
    text = shown(1000)
    assert [name for name, row in ROWS.items() if name in FAMILIES and row[2] not in text] == []
