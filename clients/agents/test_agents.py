"""Coding agents from npm edit a file and run a command, as a scripted model asks them to.

They are set up as docs/clients.md says. `make test-agents` runs this where no network can be
reached.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest

from gateway.engine.engine import SpecialToken
from gateway.engine.generation import Generation
from gateway.formats.families import FAMILIES
from gateway.prompt.special_tokens import Guard
from tests.docs.test_docs import DOCS, blocks
from tests.fakes import INFO, Script, call, scripted
from tests.formats.vocabulary import vocabulary
from tests.served import prompt, served

INSTALLED = Path(__file__).parent / "node_modules" / ".bin"
PAGE = (DOCS / "clients.md").read_text()
ADDRESS = "http://127.0.0.1:8000"  # of the gateway, on the page
MODELS = ["gpt-5.5", "qwen2.5-7b"]  # on the page

FORMAT = FAMILIES["qwen3"]
WORDS = vocabulary(FORMAT, special=True)
TOKENS = [SpecialToken(id, text, True) for text, id in WORDS.special.items()]
VOCABULARY = msgspec.structs.replace(INFO, special_tokens=TOKENS, bos="", eos="")

TASK = "Replace Hello by Goodbye in greeting.txt, and show it in capital letters."
THOUGHT = "The file says Hello."
COMMAND = "tr a-z A-Z < greeting.txt"
OUTPUT = "GOODBYE, WORLD"
PATCH = """\
*** Begin Patch
*** Update File: greeting.txt
@@
-Hello, world
+Goodbye, world
*** End Patch"""


@pytest.fixture(autouse=True, scope="session")
def offline() -> None:
    """Fails where an agent could reach its vendor."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as probe,
        pytest.raises(OSError, match="unreachable"),
    ):
        probe.connect(("192.0.2.1", 9))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that an agent works in."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "greeting.txt").write_text("Hello, world\n")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of its settings."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def run(work: Path, home: Path, *command: str, **environment: str) -> str:
    """Runs an agent to its end; returns what it prints."""
    agent, *arguments = command
    ran = subprocess.run(
        [INSTALLED / agent, *arguments],
        cwd=work,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def block(language: str, url: str) -> str:
    """The block of the page that sets an agent up, for the gateway at `url`."""
    [found] = [block for block in blocks(language, PAGE) if ADDRESS in block]
    return found.replace(ADDRESS, url)


def admits(request: Generation, text: str) -> bool:
    """Whether the grammar of a request lets the model write `text`."""
    parts = Guard(WORDS.special).split(text)
    tokens = [t for part in parts for t in ([part] if isinstance(part, int) else part.encode())]
    return request.grammar is not None and WORDS.admits(request.grammar, tokens)


def check(script: Script, answers: list[str]) -> None:
    """What holds after a session in which the model has given all of `answers`."""
    for request, text in zip(script.requests, answers, strict=True):
        assert admits(request, text), text
    last = prompt(script, -1)
    assert TASK in last
    assert OUTPUT in last  # of the command, which the script does not know
    assert THOUGHT in last


def test_codex(work: Path, home: Path) -> None:
    answers = [
        f"<think>\n{THOUGHT}\n</think>\n\n" + call("apply_patch", {"input": PATCH}),
        call("exec_command", {"cmd": COMMAND}),
        f"It says {OUTPUT}.",
    ]
    script = Script([*map(scripted, answers)], VOCABULARY)
    with served(script, format=FORMAT.name, aliases=MODELS) as url:
        (home / "config.toml").write_text(block("toml", url))
        options = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
        said = run(work, home, "codex", "exec", *options, TASK, CODEX_HOME=str(home))
    assert said.strip() == answers[-1]
    assert (work / "greeting.txt").read_text() == "Goodbye, world\n"
    check(script, answers)


def test_claude_code(work: Path, home: Path) -> None:
    file = str(work / "greeting.txt")
    edit = {"file_path": file, "old_string": "Hello", "new_string": "Goodbye"}
    answers = [
        f"<think>\n{THOUGHT}\n</think>\n\n" + call("Read", {"file_path": file}),
        call("Edit", edit),
        call("Bash", {"command": COMMAND}),
        f"It says {OUTPUT}.",
    ]
    script = Script([*map(scripted, answers)], VOCABULARY)
    with served(script, format=FORMAT.name, aliases=MODELS) as url:
        settings = dict(re.findall(r"^export (\w+)=(.*)$", block("sh", url), re.MULTILINE))
        options = ("--allowedTools", "Read", "Edit", "Bash")
        said = run(work, home, "claude", "-p", TASK, *options, **settings)
    assert said.strip() == answers[-1]
    assert (work / "greeting.txt").read_text() == "Goodbye, world\n"
    check(script, answers)
