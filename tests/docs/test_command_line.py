"""The page about the command line lists each command of the program, and no other."""

from __future__ import annotations

import re

import pytest
import typer

from gateway.cli.main import app
from tests.docs.test_docs import DOCS

PAGE = (DOCS / "command-line.md").read_text()
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
ROWS = re.findall(r"^\| (`[a-z`, ]+`) \|", PAGE.partition("\n## ")[0], re.MULTILINE)
LISTED = [name for row in ROWS for name in re.findall(r"`(\w+)`", row)]
EXAMPLES = re.findall(r"^(?:\S+ \| )?\S*tool-gateway (\w+)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_and_has_an_example(name: str) -> None:
    assert LISTED.count(name) == 1
    assert name in EXAMPLES


@pytest.mark.parametrize("name", sorted({*LISTED, *EXAMPLES}))
def test_what_is_listed_is_a_command(name: str) -> None:
    assert name in COMMANDS
