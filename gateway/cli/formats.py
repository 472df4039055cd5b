"""The formats as a table: for a terminal, and as `docs/formats.md`."""

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

How the models that the gateway knows write their calls. This page is made from `gateway/formats/families.py` and
`gateway/formats/evidence.py` by `tool-gateway formats --markdown > docs/formats.md`; a test fails when it is out of date.
[adding-a-format.md](adding-a-format.md) says how to add one.

## What is held in every format

A grammar holds the model while it writes. That it does is a law, tested for each format in `tests/grammar/test_turn.py`.

| asked | held |
|---|---|
| `tool_choice: "auto"` | there are text, calls, or both, and calls are of tools on offer |
| `tool_choice: "required"` | there is a call |
| `tool_choice` names a tool | there is one call, of that tool |
| `tool_choice` of `allowed_tools` | calls are of those tools; there is one, if `mode` is `required` |
| `tool_choice: "none"` | there is no call: what would be one is text |
| `parallel_tool_calls: false` | there is no second call |
| a tool's JSON Schema | arguments are valid under it, but for what no grammar can hold: that is left out, checked once it is written, and told in the answer's `notes` |

## Every format

*Arguments*: as JSON, a tool's whole schema is held. Any other way each parameter is held to its own schema, and what is said
of all of them together (`anyOf`, `minProperties` and the like) is checked once it is written.

*Reasoning*: the marks around it; - where the format has none.

*Checked against*: chat templates that the models are published with, compared with what is declared here turn by turn, byte
for byte. What one writes otherwise (no thoughts, no text beside calls, gpt-oss's recipient in another place) is listed with
the reason in `tests/formats/officials.py`. They go by their names in llama.cpp's collection (`models/templates`), those in
`mistral/` by mistral-common's. Recorded answers are canitoolcall's, given by the models themselves; all are read as they
were meant. Where there is neither, the laws hold all the same, but no test says that the models write just so.

"""  # noqa: E501 - each line of a table is one line


def as_table() -> Table:
    """The formats for a terminal."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    for title in ("format", "a call", "reasoning", "calls"):
        table.add_column(title, overflow="fold", no_wrap=title in ("format", "calls"))
    for f in FAMILIES.values():
        table.add_row(*map(Text, (f.name, _call(f), _thoughts(f) or "-", _calls(f))))
    return table


def as_markdown() -> str:
    """All of `docs/formats.md`."""
    titles = ["format", "models", "a call", "arguments", "reasoning", "calls", "checked against"]
    rows = [_row(format, EVIDENCE[name]) for name, format in FAMILIES.items()]
    table = [titles, ["---"] * len(titles), *rows]
    return INTRODUCTION + "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _row(format: Format, evidence: Evidence) -> list[str]:
    return [
        _code(format.name),
        evidence.models,
        _code(_call(format)),
        _arguments(format),
        _code(_thoughts(format)) if format.think else "-",
        _calls(format),
        _checked(evidence),
    ]


# -- what is said of a format


def _call(format: Format) -> str:
    return _escaped(encode_calls(format, [EXAMPLE]))


def _thoughts(format: Format) -> str:
    return "…".join(map(_escaped, format.think or ()))


def _calls(format: Format) -> str:
    return "one" if format.single_call else "several"


def _arguments(format: Format) -> str:
    match format.arguments:
        case AsJson():
            return "JSON"
        case Tagged(types=types):
            return "one by one, strings bare" + (", each with its type" if types else "")
        case Literals(has_escapes=escapes):
            return "Python literals" if escapes else "literals of its own"
        case Elements():
            return "elements, all the way down"
        case _:
            assert_never(format.arguments)


def _checked(evidence: Evidence) -> str:
    templates = ", ".join(map(_code, evidence.templates)) or "no official template"
    return templates + ("; recorded answers" if evidence.records else "")


def _escaped(text: str) -> str:
    """`text` on one line, without the white space around it."""
    return text.strip().replace("\n", r"\n")


def _code(text: str) -> str:
    """`text` as code in a cell of a Markdown table."""
    fence = ("`` ", " ``") if "`" in text else ("`", "`")
    return text.replace("|", r"\|").join(fence)
