"""Prints the formats as a table, for a terminal and as `docs/formats.md`."""

from __future__ import annotations

from typing import assert_never

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gateway.chat.messages import Call
from gateway.formats.encode import encode_calls
from gateway.formats.evidence import EVIDENCE, Evidence
from gateway.formats.families import FAMILIES
from gateway.formats.format import AsJson, Elements, Format, Literals, Tagged

EXAMPLE = Call("f", {"k": "v"}, "a1b2c3d4e")

INTRODUCTION = """\
# Formats

How each model family writes tool calls. `tool-gateway formats --markdown > docs/formats.md` generates this page from
`gateway/formats/families.py` and `gateway/formats/evidence.py`; a test fails if it is out of date.
[adding-a-format.md](adding-a-format.md) explains how to add a format.

## What the grammar enforces

A grammar constrains what a model generates. `tests/grammar/test_turn.py` tests this for every format.

| request | answer |
|---|---|
| `tool_choice: "auto"` | text, calls of the request's tools, or both |
| `tool_choice: "required"` | at least one call |
| `tool_choice` names a tool | one call of that tool |
| `tool_choice` of `allowed_tools` | only calls of these tools; at least one if `mode` is `required` |
| `tool_choice: "none"` | no call; text that looks like a call is text |
| `parallel_tool_calls: false` | at most one call |
| a tool's JSON Schema | arguments that match it; a constraint that a grammar can't express is omitted, checked after generation, and reported in `notes` |

## All formats

*Arguments*: with JSON, the grammar enforces a tool's whole schema. In other notations it enforces the schema of each
parameter, and unions of objects; counts of parameters (`minProperties` and the like) are checked after generation.

*Reasoning*: the markers around it; - if the format has none.

*Tested against*: the chat templates of the models. `encode` writes each turn as they do, byte for byte; exceptions (no
reasoning, no text beside calls, the recipient of gpt-oss in another place) are listed with the reason in
`tests/formats/officials.py`. Templates have the names of llama.cpp's collection (`models/templates`), those in `mistral/`
the names of mistral-common. Recorded answers are from canitoolcall; the parser reads all of them as the models meant them.
A format without templates or recorded answers is tested as the others are, but nothing shows that models write it so.

"""  # noqa: E501 - each line of a table is one line


def as_table() -> Table:
    """Returns the formats as a table for a terminal."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    for title in ("format", "a call", "reasoning", "calls"):
        table.add_column(title, overflow="fold", no_wrap=title in ("format", "calls"))
    for f in FAMILIES.values():
        table.add_row(*map(Text, (f.name, _call(f), _reasoning(f) or "-", _call_count(f))))
    return table


def as_markdown() -> str:
    """Returns the text of `docs/formats.md`."""
    titles = ["format", "models", "a call", "arguments", "reasoning", "calls", "tested against"]
    rows = [_row(format, EVIDENCE[name]) for name, format in FAMILIES.items()]
    table = [titles, ["---"] * len(titles), *rows]
    return INTRODUCTION + "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _row(format: Format, evidence: Evidence) -> list[str]:
    return [
        _code(format.name),
        evidence.models,
        _code(_call(format)),
        _arguments(format),
        _code(_reasoning(format)) if format.think else "-",
        _call_count(format),
        _evidence(evidence),
    ]


# -- the cells of a row


def _call(format: Format) -> str:
    return _escaped(encode_calls(format, [EXAMPLE]))


def _reasoning(format: Format) -> str:
    return "…".join(map(_escaped, format.think or ()))


def _call_count(format: Format) -> str:
    return "one" if format.single_call else "several"


def _arguments(format: Format) -> str:
    match format.arguments:
        case AsJson():
            return "JSON"
        case Tagged(types=types):
            return "tagged, raw strings" + (", with types" if types else "")
        case Literals(has_escapes=escapes):
            return "Python literals" if escapes else "literals"
        case Elements():
            return "nested elements"
        case _:
            assert_never(format.arguments)


def _evidence(evidence: Evidence) -> str:
    templates = ", ".join(map(_code, evidence.templates)) or "no official template"
    return templates + ("; recorded answers" if evidence.records else "")


def _escaped(text: str) -> str:
    """Returns `text` on one line, trimmed."""
    return text.strip().replace("\n", r"\n")


def _code(text: str) -> str:
    """Returns `text` as code in a cell of a Markdown table."""
    fence = ("`` ", " ``") if "`" in text else ("`", "`")
    return text.replace("|", r"\|").join(fence)
