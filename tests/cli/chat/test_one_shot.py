"""`tool-gateway run` without a chat: a prompt, or text on standard input, and no terminal."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.chat.test_chat import FUNCTIONS
from tests.cli.terminal import COMMAND
from tests.fakes import REPO, Script, ScriptedAnswer, call, scripted
from tests.served import prompt, served

Done = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, text: str = "", **more: Any) -> Done:
    command = [*COMMAND, "run", *map(str, arguments)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, cwd=REPO, **more
    )


def ask(script: Script, *arguments: str | Path, text: str = "") -> Done:
    with served(script, format="qwen3") as url:
        return run("m", *arguments, "--url", url, text=text)


def test_only_the_answer_is_printed() -> None:
    done = ask(Script([scripted("<think>\nhm\n</think>\n\nHello.")]), "Hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello.\n", "")


def test_piped_text_comes_before_the_prompt() -> None:
    script = Script([scripted("Hello.")])
    assert ask(script, "Translate this.", text="Bonjour\n").returncode == 0
    assert "Bonjour\n\n\nTranslate this." in prompt(script, 0)


@pytest.mark.parametrize(("arguments", "text"), [([], b"caf\xe9"), (["m", b"caf\xe9"], b"")])
def test_bytes_that_are_no_text_are_replaced(arguments: list[str | bytes], text: bytes) -> None:
    script = Script([scripted("Hello.")])
    with served(script) as url:
        command = [*COMMAND, "run", "--url", url, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, timeout=60, cwd=REPO)
    assert (done.stdout, done.stderr) == (b"Hello.\n", b"")
    assert "caf\ufffd" in prompt(script, 0)


def test_the_bytes_of_an_answer_are_printed_as_they_are() -> None:
    done = ask(Script([scripted("a\x1b[2Jb\tc  ")]), "Hi")
    assert done.stdout == "a\x1b[2Jb\tc  \n"


def test_calls_are_shown_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / "functions.py"
    path.write_text(FUNCTIONS)
    script = Script([scripted(call("add", {"a": 1, "b": 2})), scripted("It is 3.")])
    done = ask(script, "Add", "--tools", path, "--yes")
    assert done.stdout == "It is 3.\n"
    assert done.stderr == 'add({"a": 1, "b": 2})\nadding\n→ 3\n'


def test_calls_cannot_be_confirmed_without_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "functions.py"
    path.write_text(FUNCTIONS)
    done = ask(Script([scripted("Hello.")]), "Add", "--tools", path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: there is no terminal to confirm tool calls at; allow them with --yes\n"
    )


def test_an_answer_that_is_cut_off_says_so_on_stderr() -> None:
    done = ask(Script([scripted("Half", finish="length")]), "Hi")
    assert done.stdout == "Half\n"
    assert "cut off" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--url", "http://127.0.0.1:9"], "no gateway at http://127.0.0.1:9"),
        (["--url", "nowhere"], "no gateway at nowhere"),
        (["--url", "http://[::"], "no gateway at http://[::"),
        (["--url", "http://127.0.0.1:9", "--config", "models.yaml"], "need one of their own"),
        (["--config", "no/such.yaml"], "no/such.yaml: No such file or directory"),
        (["--tools", "no/such.py"], "there is no Python file no/such.py"),
    ],
)
def test_a_mistake_is_one_line_on_stderr(
    arguments: list[str], error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for the log of a gateway that does not start
    done = run("m", "Hi", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_model_is_answered_with_those_that_there_are() -> None:
    with served(Script([scripted("Hello.")])) as url:
        done = run("nothing", "Hi", "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no model 'nothing' to chat with; there are m\n"


@pytest.mark.parametrize("arguments", [[], ["m", " "]])
def test_an_empty_prompt_is_a_mistake(arguments: list[str]) -> None:
    done = run(*arguments, text="\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: there is nothing to answer; ")


def test_a_reader_that_closes_its_end_is_no_error_with_a_traceback() -> None:
    with served(Script([ScriptedAnswer(["word "] * 20_000)])) as url:
        command = (
            f"{shlex.join([*COMMAND, 'run', 'm', 'Hi', '--url', url])} < /dev/null | head -c 4"
        )
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, timeout=60, cwd=REPO
        )
    assert (done.stdout, done.stderr) == ("word", "")


def test_an_embedding_model_is_no_model_to_chat_with() -> None:
    with served(Script([scripted("Hello.")]), embeddings=True) as url:
        done = run("m", "Hi", "--url", url)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no model 'm' to chat with")


def test_an_error_during_the_answer_is_a_status() -> None:
    done = ask(Script([ScriptedAnswer(["Half"], fails=RuntimeError("broken"))]), "Hi")
    assert (done.returncode, done.stdout) == (1, "Half\n")
    assert done.stderr.startswith("error: ")
