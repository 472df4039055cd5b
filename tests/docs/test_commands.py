"""Every command in a shell block of a page is one that works: of the program, of make, of curl."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

import pytest
import typer

from gateway.cli.main import app
from tests.docs.test_docs import DOCS, REPO, blocks
from tests.fakes import gateway, scripted

PAGES = sorted([*REPO.glob("*.md"), *DOCS.glob("*.md"), *REPO.glob("adapters/*.md")])
PROGRAM = typer.main.get_command(app).commands  # type: ignore[attr-defined]
MAKEFILE = (REPO / "Makefile").read_text()
ENDS = {"|", "<", ">", ">>", "&&", "&"}  # a redirection, or another command


def commands(block: str) -> Iterator[list[str]]:
    """The words of each command of a shell block, which may span lines."""
    pending = ""
    for line in block.splitlines():
        pending += line.removesuffix("\\")
        try:
            words = [] if line.endswith("\\") else shlex.split(pending, comments=True)
        except ValueError:  # within quotation marks
            pending += "\n"
            continue
        if words:
            yield words
            pending = ""


def shown(program: str) -> list[list[str]]:
    """The arguments of `program` wherever a page shows it, once each."""
    found = {
        tuple(takewhile(lambda word: word not in ENDS, words[1:]))
        for page in PAGES
        for block in blocks("sh", page.read_text())
        for words in commands(block)
        if words[0].rpartition("/")[2] == program
    }
    return [list(arguments) for arguments in sorted(found)]


@pytest.mark.parametrize("words", shown("tool-gateway"), ids=" ".join)
def test_the_program_accepts_the_command(words: list[str]) -> None:
    name, *arguments = words
    PROGRAM[name].make_context(name, arguments)


@pytest.mark.parametrize("words", shown("make"), ids=" ".join)
def test_make_has_the_target_and_the_variables(words: list[str]) -> None:
    for word in words:
        variable, assigns, _ = word.partition("=")
        pattern = rf"\$\({variable}\)" if assigns else rf"^{variable}:"
        assert re.search(pattern, MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize(
    ("url", "options"), [(url, options) for url, *options in shown("curl") if "/lines" not in url]
)
async def test_the_gateway_accepts_the_request(url: str, options: list[str]) -> None:
    given = dict(zip(options[::2], options[1::2], strict=True))
    body = given.get("-d")
    name, _, value = given.get("-H", "").partition(": ")
    async with gateway(scripted("Hello."), aliases=["smollm2"]) as client:
        answer = await client.request(
            "POST" if body else "GET", url, content=body, headers={name: value} if name else {}
        )
    assert answer.status_code == 200, answer.text
