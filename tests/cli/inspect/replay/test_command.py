"""`replay` shows what differs in a capture, asks again, and writes regression cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from tests.fakes import TOOLS, Script, call, chat, scripted
from tests.served import served

CALL = call("get_time", {"city": "Rome"})
ON = {"settings": {"playground": True}}


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A capture as `serve --capture` writes it."""
    folder = tmp_path / "captures"
    with served(Script([scripted(f"Hello. {CALL}")]), capture_folder=folder) as url:
        body = chat(tools=TOOLS, stream=True)
        httpx.post(f"{url}/v1/chat/completions", json=body).raise_for_status()
    [file] = folder.iterdir()
    return file


def changed(capture: Path, **more: Any) -> Path:
    """The capture with other fields."""
    capture.write_text(json.dumps({**json.loads(capture.read_text()), **more}))
    return capture


def test_a_capture_that_is_read_the_same_is_ok(capture: Path) -> None:
    result = replay(capture, capture)
    assert result.exit_code == 0
    assert result.output == f"{capture}: OK, the same 3 events\n" * 2


def test_what_is_read_differently_is_shown(capture: Path) -> None:
    said = {"choice": 0, "type": "text", "text": "Hello."}
    result = replay(changed(capture, events=[said]))
    assert result.exit_code == 1
    first, *lines = result.output.splitlines()
    assert first == f"{capture}: differs"
    assert [line[0] for line in lines] == [" ", "+", "+"]
    assert '"name": "get_time"' in lines[1]


def test_the_model_is_asked_again(capture: Path) -> None:
    for text, code in ((f"Hello. {CALL}", 0), ("Goodbye.", 1)):
        with served(Script([scripted(text)]), **ON) as url:
            result = replay(capture, "--ask", "--url", url)
        assert result.exit_code == code
        assert ("Goodbye" in result.output) == bool(code)


def test_a_gateway_that_captures_nothing_can_not_be_asked(capture: Path) -> None:
    with served(Script([scripted("Hi")])) as url:
        result = replay(capture, "--ask", "--url", url)
    assert result.exit_code == 1
    assert "requests are not captured; set `playground: true`" in str(result.exception)


def test_a_regression_case_is_a_capture(capture: Path, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    written = replay(changed(capture, events=[]), "--as-test", case)
    assert f"{case}: written" in written.output
    assert replay(case).output == f"{case}: OK, the same 3 events\n"
    text = case.read_text()
    assert "Hello. <tool_call>" in text
    assert "<|im_start|>" not in text  # the prompt does not matter


@pytest.mark.parametrize("content", ["", "{}", "[]", "no JSON"])
def test_a_file_that_is_no_capture_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(content)
    for more in ((), ("--ask",), ("--as-test", tmp_path / "case.json")):
        result = replay(file, *more)
        assert result.exit_code == 1
        assert str(result.exception).startswith(f"{file}: not a capture: ")


def test_a_capture_on_which_the_code_fails_is_named(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.generate.capture.read_again.read_again", fails)
    result = replay(capture)
    assert f"{capture}: today's code fails" in result.stderr
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert isinstance(replay(tmp_path / "none.json").exception, FileNotFoundError)


def test_a_regression_case_is_of_one_capture(capture: Path, tmp_path: Path) -> None:
    for arguments in ((capture, capture), (capture, "--ask")):
        result = replay(*arguments, "--as-test", tmp_path / "case.json")
        assert "--as-test takes one capture" in str(result.exception)
