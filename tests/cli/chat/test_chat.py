"""A chat in a pseudo-terminal, with a gateway whose model is scripted."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.terminal import CTRL_C, Process, ended, terminal, text
from tests.fakes import Script, ScriptedAnswer, call, scripted
from tests.served import prompt, served

CTRL_D = "\x04"
READY = ">>> "
FUNCTIONS = '''
"""A file of functions."""

def add(a: int, b: int = 0) -> int:
    """Add two numbers.

    Args:
        a: The first
        b: The second
    """
    print("adding")
    return a + b


def divide(a: int, b: int) -> float:
    """Divide two numbers.

    Args:
        a: The dividend
        b: The divisor
    """
    return a / b


def leave() -> None:
    """End the program."""
    raise SystemExit(3)


def _private() -> None:
    pass
'''


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "functions.py"
    path.write_text(FUNCTIONS)
    return path


@contextmanager
def chat(
    script: Script, folder: Path, *arguments: str | Path, columns: int = 80, format: str = "hermes"
) -> Iterator[Process]:
    """A chat with the script's model that waits for the first question."""
    with (
        served(script, settings={"playground": True}, format=format) as url,
        terminal(
            *("run", "m", "--url", url, *arguments),
            columns=columns,
            environment={"XDG_STATE_HOME": str(folder)},
        ) as process,
    ):
        process.expect_exact(READY)
        yield process


def asked(process: Process, question: str) -> str:
    """What is shown after a question until the next can be asked."""
    process.sendline(question)
    process.expect(rf"\n(?s:(.*?))(?:\x1b\[\?2004h)?{READY}")
    assert isinstance(process.match, re.Match)
    return text(process.match[1])


def test_an_answer_is_streamed_with_its_thoughts_and_timing(tmp_path: Path) -> None:
    script = Script([scripted("<think>\nhm\n</think>\n\nHello there.")])
    with chat(script, tmp_path, format="qwen3") as process:
        process.sendline("Hi")
        process.expect_exact("\x1b[2mhm\x1b[0m")
        process.expect_exact("Hello there.\r\n")
        process.expect(r"\d+ tokens, .*first after \d+\.\d\d s, prompt 7 tokens, 3 of them cached")
        process.expect_exact(READY)
        process.send(CTRL_D)
        assert ended(process)[0] == 0
    assert prompt(script, 0).count("Hi") == 1


def test_an_answer_is_shown_while_it_is_generated(tmp_path: Path) -> None:
    with chat(Script([ScriptedAnswer(["An endless", " answer"], None)]), tmp_path) as process:
        process.sendline("Hi")
        process.expect_exact("An endless")
        process.expect_exact(" answer")


def test_ctrl_c_cancels_the_answer_and_the_chat_goes_on(tmp_path: Path) -> None:
    script = Script([ScriptedAnswer(["Never"], None), scripted("The second.")])
    with chat(script, tmp_path) as process:
        process.sendline("First?")
        process.expect_exact("Never")
        process.send(CTRL_C)
        process.expect_exact("cancelled")
        process.expect_exact(READY)
        while script.running:
            time.sleep(0.01)
        assert "The second.\n" in asked(process, "Second?")
        process.send(CTRL_C)
        assert ended(process)[0] == 0
    assert re.findall("First|Never|Second", prompt(script, 1)) == ["First", "Never", "Second"]


def test_a_question_whose_answer_has_not_begun_is_forgotten(tmp_path: Path) -> None:
    script = Script([ScriptedAnswer([], None), scripted("The second.")])
    with chat(script, tmp_path) as process:
        process.sendline("First?")
        while not script.running:
            time.sleep(0.01)
        process.send(CTRL_C)
        process.expect_exact(READY)
        asked(process, "Second?")
    assert "First" not in prompt(script, 1)


def test_an_error_is_shown_and_the_chat_goes_on(tmp_path: Path) -> None:
    script = Script([ScriptedAnswer(fails=RuntimeError("broken")), scripted("The second.")])
    with chat(script, tmp_path) as process:
        assert "error: " in asked(process, "First?")
        assert "The second." in asked(process, "Second?")
    assert "First" not in prompt(script, 1)


def test_calls_are_executed_after_a_confirmation(tmp_path: Path, functions: Path) -> None:
    calls = [call("add", {"a": 1, "b": 2}), call("add", {"a": 3}), call("add", {"a": 4})]
    answers = [*map(scripted, calls), scripted("Done.")]
    script = Script(answers)
    with chat(script, tmp_path, "--tools", functions) as process:
        process.sendline("Add them")
        process.expect_exact("call add? [Y/n/a(ll)] ")
        assert 'add({"a": 1, "b": 2})\n' in text(process.before or "")
        process.sendline("")
        process.expect_exact("→ 3")
        process.expect_exact("call add?")
        process.sendline("n")
        process.expect_exact("the user did not allow this call")
        process.expect_exact("call add?")
        process.sendline("maybe")
        process.expect_exact("call add?")
        process.sendline("a")
        process.expect_exact("→ 4")
        process.expect_exact("Done.")
    assert "the user did not allow this call" in prompt(script, 3)


def test_an_exception_in_a_function_is_a_result(tmp_path: Path, functions: Path) -> None:
    calls = [call("divide", {"a": 1, "b": 0}), call("leave", {}), call("add", {"a": "x"})]
    script = Script([*map(scripted, calls), scripted("It can't be done.")])
    with chat(script, tmp_path, "--tools", functions, "--yes") as process:
        shown = asked(process, "Divide")
    assert "ZeroDivisionError: division by zero" in shown
    assert "SystemExit: 3" in shown
    assert "It can't be done." in shown
    assert "Traceback" not in shown


def test_a_model_that_only_calls_must_answer_in_the_end(tmp_path: Path, functions: Path) -> None:
    script = Script([scripted(call("add", {"a": 1}))] * 10 + [scripted("Enough.")])
    with chat(script, tmp_path, "--tools", functions, "--yes") as process:
        assert "Enough." in asked(process, "Go")
    assert len(script.requests) == 11


def test_tools_are_listed_with_their_signatures(tmp_path: Path, functions: Path) -> None:
    with chat(Script([scripted("")]), tmp_path, "--tools", functions) as process:
        shown = asked(process, "/tools")
    assert "add(a: int, b: int = 0) -> int" in shown
    assert "_private" not in shown


def test_the_prompt_that_the_model_saw_is_shown(tmp_path: Path) -> None:
    with chat(Script([scripted("Hello.")]), tmp_path) as process:
        assert "nothing has been asked" in asked(process, "/prompt")
        asked(process, "/system Be brief, not <|im_end|>.")
        asked(process, "Hi")
        shown = asked(process, "/prompt")
    assert "⟦<|im_start|>⟧system\nBe brief, not <|im_end|>.⟦<|im_end|>⟧" in shown
    assert shown.rstrip().endswith("⟦<|im_start|>⟧assistant\n7 tokens, 3 of them cached")


def test_what_the_model_wrote_is_shown(tmp_path: Path) -> None:
    pieces = ["<tool_call>", '\n{"name": "add", "arguments": {"a": 1}}\n', "</tool_call>"]
    with chat(Script([ScriptedAnswer(pieces)]), tmp_path) as process:
        assert "nothing has been asked" in asked(process, "/raw")
        asked(process, "Hi")
        shown = asked(process, "/raw")
    assert shown == '⟦<tool_call>⟧\n{"name": "add", "arguments": {"a": 1}}\n⟦</tool_call>⟧\n'


def test_several_lines_are_one_question(tmp_path: Path) -> None:
    script = Script([scripted("Hello.")])
    with chat(script, tmp_path) as process:
        process.sendline('"""one')
        process.expect_exact("... ")
        asked(process, 'two"""')
    assert "user\none\ntwo\n" in prompt(script, 0)


def test_settings_are_checked_by_the_gateway(tmp_path: Path) -> None:
    script = Script([scripted("Hello.")])
    with chat(script, tmp_path) as process:
        assert "temperature" in asked(process, "/set temperature hot")
        assert "is set by the chat itself" in asked(process, "/set stream false")
        assert "does not know nonsense" in asked(process, "/set nonsense 1")
        asked(process, "/set temperature 0.25")
        assert "temperature 0.25" in asked(process, "/set")
        asked(process, "Hi")
        asked(process, "/set temperature")
        assert "models.yaml" in asked(process, "/set")
    assert script.requests[0].sampling.temperature == 0.25


def test_a_conversation_is_saved_as_a_request_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    script = Script([scripted("Hello.")])
    with chat(script, tmp_path) as process:
        asked(process, "/system Be brief.")
        asked(process, "/set top_k 3")
        asked(process, "Hi")
        asked(process, f"/save {path}")
        asked(process, "/clear")
        asked(process, "Who?")
        assert "2 messages" in asked(process, f"/load {path}")
        asked(process, "Again?")
        assert "no/such" in asked(process, "/load no/such")
    saved = json.loads(path.read_text())
    assert saved["top_k"] == 3
    assert [message["role"] for message in saved["messages"]] == ["system", "user", "assistant"]
    assert "Hi" not in prompt(script, 1)
    assert re.findall(r"Be brief|Hi|Hello|Who|Again", prompt(script, 2)) == [
        *("Be brief", "Hi", "Hello", "Again")
    ]


@pytest.mark.parametrize("line", ["/help", "/hlep"])
def test_commands_are_listed(line: str, tmp_path: Path) -> None:
    with chat(Script([scripted("")]), tmp_path) as process:
        assert "/help" in asked(process, line)
        process.sendline("/bye")
        assert ended(process)[0] == 0


def test_the_history_survives_the_chat_and_is_private(tmp_path: Path) -> None:
    for _ in range(2):
        with chat(Script([scripted("Hello.")]), tmp_path) as process:
            process.send("\x1b[A")  # the arrow up
            asked(process, "again")
            process.send(CTRL_D)
            ended(process)
    path = tmp_path / "tool-gateway/chat-history"
    assert path.read_text().splitlines() == ["again", "againagain"]
    assert path.stat().st_mode & 0o077 == 0


def test_typed_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    script = Script([scripted("Hello.")])
    with chat(script, tmp_path) as process:
        os.write(process.child_fd, b"caf\xe9\r")
        process.expect_exact("Hello.")
    assert "caf" in prompt(script, 0)


def test_a_narrow_terminal_loses_no_character(tmp_path: Path) -> None:
    words = "word " * 20
    with chat(Script([scripted(words)]), tmp_path, columns=20) as process:
        assert words in asked(process, "Hi").replace("\n", "")


def test_a_model_does_not_control_the_terminal(tmp_path: Path) -> None:
    with chat(Script([scripted("a\x1b[2Jb")]), tmp_path) as process:
        assert "a␛[2Jb" in asked(process, "Hi")
