"""What is said of the formats is made from their declarations."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from gateway.catalog import as_markdown, as_text
from gateway.turns import Call, Turn, collect
from gateway.wire.decode import Decoder
from gateway.wire.evidence import EVIDENCE
from gateway.wire.families import FAMILIES
from gateway.wire.format import Format

DOCS = Path(__file__).parent.parent / "docs"
CELLS = re.compile(r"(?<!\\)\|")


def cells(line: str) -> list[str]:
    """The cells of a Markdown row, code taken out of its marks."""
    return [cell.replace("\\|", "|").strip(" `") for cell in CELLS.split(line)[1:-1]]


ROWS = {row[0]: row for line in as_markdown().splitlines() if len(row := cells(line)) == 7}


def test_the_page_about_formats_is_up_to_date() -> None:
    made = as_markdown() + "\n"
    assert (DOCS / "formats.md").read_text() == made, "tool-gateway formats --markdown"


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES.keys())
def test_the_call_on_the_page_is_read_as_one(format: Format) -> None:
    shown = ROWS[format.name][2].replace(r"\n", "\n")
    shown += "```" * (format.name == "command_r")  # taken off with the marks around code
    decoder = Decoder(format, None, strict=True)
    assert collect([*decoder.feed(shown), *decoder.close()]) == Turn(calls=(Call("f", {"k": "v"}),))


def test_every_format_says_which_models_write_it() -> None:
    assert set(EVIDENCE) == set(FAMILIES)
    assert all(evidence.models for evidence in EVIDENCE.values())


def test_a_template_and_a_recorded_answer_speak_for_one_format() -> None:
    told = [one for found in EVIDENCE.values() for one in (*found.templates, *found.records)]
    assert [one for one, times in Counter(told).items() if times > 1] == []


def test_a_format_that_no_template_speaks_for_says_so() -> None:
    for name, evidence in EVIDENCE.items():
        assert ROWS[name][-1].startswith("no official template") != bool(evidence.templates)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_its_terminal_and_its_columns_are_aligned(width: int) -> None:
    titles, rule, *lines = as_text(width).splitlines()
    starts = [titles.index(title) for title in ("format", "a call", "reasoning", "calls")]
    assert max(map(columns, [rule, *lines])) == width
    for start in starts[1:]:
        assert {shown(line)[start - 2 : start].strip() for line in lines} == {""}
    assert {line.split()[0] for line in lines if line[0] != " "} == set(FAMILIES)


def test_nothing_of_a_call_is_lost_where_it_is_wrapped() -> None:
    assert called(80) == called(1000)


def called(width: int) -> dict[str, str]:
    """The calls in a table of `width` columns, without their spaces."""
    titles, _, *lines = as_text(width).splitlines()
    start, end = titles.index("a call"), titles.index("reasoning")
    found: dict[str, str] = {}
    for line in lines:
        found |= {line.split()[0]: ""} if line[0] != " " else {}
        found[[*found][-1]] += "".join(shown(line)[start:end].replace("\0", "").split())
    return found


def columns(text: str) -> int:
    return len(shown(text))


def shown(text: str) -> str:
    """`text` with a filler behind each character that is two columns wide."""
    return "".join(c + "\0" * (unicodedata.east_asian_width(c) in "FW") for c in text)
