"""The outputs that the pages show are those of the program."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_docs import DOCS, blocks
from tests.e2e.conftest import REPO, TOOL_GATEWAY, readme_request
from tests.fakes import call, chat, gateway, scripted
from tests.formats.officials import OFFICIAL

COMMANDS = blocks("text", (DOCS / "command-line.md").read_text())


def run(*arguments: str | Path, text: str = "") -> str:
    command = [TOOL_GATEWAY, *arguments]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=120, check=True, cwd=REPO
    )
    return done.stdout


def shown(start: str) -> str:
    """The output on the page about the command line that begins with `start`."""
    [output] = [output for output in COMMANDS if output.startswith(start)]
    return output


async def test_the_note_on_a_keyword_that_no_grammar_enforces() -> None:
    page = (DOCS / "tools-and-choices.md").read_text()
    [name, keyword] = re.findall(r"A tool `(\w+)` whose parameter `(\w+)`", page)[0]
    [schema] = re.findall(r"has\s+the\s+schema\s+`(\{.*?\})`", page)
    parameters = {"type": "object", "properties": {keyword: json.loads(schema)}}
    tool = {"type": "function", "function": {"name": name, "parameters": parameters}}
    async with gateway(scripted(call(name, {}))) as client:
        answer = (await client.post("/chat/completions", json=chat(tools=[tool]))).json()
    notes = answer["choices"][0]["notes"]
    assert {"notes": notes} == json.loads(blocks("json", page)[0])


@pytest.mark.vendors
def test_the_report_on_a_chat_template() -> None:
    template = OFFICIAL / "Qwen-Qwen3-0.6B.jinja"
    assert run("check", "--template", template) == shown("format ")


@pytest.mark.model
def test_the_lines_of_check() -> None:
    """But for the last column, which depends on the build of llama.cpp."""
    found, page = run("check", "smollm2", "llama-3-groq-8b"), shown("    MODEL")
    end = page.index("COMPUTES")
    assert [line[:end].rstrip() for line in found.splitlines()] == [
        line[:end].rstrip() for line in page.splitlines()
    ]


@pytest.mark.model
def test_the_prompt_and_the_grammar_of_the_first_request() -> None:
    assert run("render", "--model", "smollm2", text=json.dumps(readme_request())) == shown(
        "--- prompt"
    )
