"""The helper for pseudo-terminals, with the simplest commands."""

from __future__ import annotations

from tests.cli.terminal import CTRL_C, ended, terminal


def test_the_exit_status_and_the_text_of_a_command_are_known() -> None:
    with terminal("check", "--config", "nothing.yaml") as process:
        status, shown = ended(process)
    assert status == 1
    assert shown == "error: nothing.yaml: No such file or directory; set the path with --config\n"


def test_a_table_is_as_wide_as_the_terminal() -> None:
    with terminal("--help", columns=50) as process:
        _, shown = ended(process)
    assert max(map(len, shown.splitlines())) <= 50


def test_ctrl_c_reaches_the_command() -> None:
    with terminal("parse", "--jsonl") as process:
        process.sendline('{"format": "hermes", "text": "Hi"}')
        process.expect('"content"')
        process.send(CTRL_C)
        status, _ = ended(process)
    assert status != 0
