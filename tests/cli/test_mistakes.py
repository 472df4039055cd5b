"""Every failure of a command is one line on standard error."""

from __future__ import annotations

import errno

import pytest
import typer

from gateway.cli.main import app
from gateway.cli.mistakes import TRACEBACK, report
from gateway.errors import ConfigError

MISTAKES = {
    "srve": "No such command 'srve'. Did you mean 'serve'? (see `tool-gateway -h`)",
    "serve --prot 1": "No such option: --prot (Possible options: --host, --log-prompts, --port)",
    "serve --port 99999": "Invalid value for '--port': ",
    "serve --port abc": "Invalid value for '--port': ",
    "serve --log xml": "'xml' is not one of 'text', 'json' (see `tool-gateway serve -h`)",
    "key": "Missing argument 'name' (see `tool-gateway key -h`)",
    "stop": "Missing argument 'model' (see `tool-gateway stop -h`)",
    "ps --url": "Option '--url' requires an argument",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_invalid_command_line_is_one_line_and_status_2(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.TyperException) as raised:
        app(words.split(), prog_name="tool-gateway", standalone_mode=False)
    assert report(raised.value) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert MISTAKES[words] in line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("no model 'x'"), "error: no model 'x'"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a"), "error: a: No such file"),
        (ZeroDivisionError("a\nb"), "error: a bug in tool-gateway: ZeroDivisionError: a b; "),
    ],
)
def test_other_failure_is_one_line_and_status_1(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == 1
    [printed] = capsys.readouterr().err.splitlines()
    assert printed.startswith(line)


def test_traceback_is_shown_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK, "1")
    with pytest.raises(ZeroDivisionError):
        report(ZeroDivisionError())
