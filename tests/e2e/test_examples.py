"""What a newcomer tries first, with the real model."""

from __future__ import annotations

import re
from ast import literal_eval
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import REPO
from tests.functions.examples import moved, run

pytestmark = pytest.mark.model


def test_the_first_request_of_the_readme_calls_for_the_weather(server: str) -> None:
    page = (REPO / "README.md").read_text()
    [body] = re.findall(r"^curl \S*/v1/chat/completions .* -d '(.*?)'$", page, re.DOTALL | re.M)
    assert "tool_choice" not in body
    headers = {"content-type": "application/json"}
    url = f"{server}/v1/chat/completions"
    answer = httpx.post(url, content=body, headers=headers, timeout=60).raise_for_status().json()
    [call] = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def test_the_python_example_of_the_readme_prints_what_it_says(server: str, tmp_path: Path) -> None:
    page = (REPO / "README.md").read_text()
    [(code, output)] = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", page, re.S)
    (tmp_path / "readme.py").write_text(code.replace("http://127.0.0.1:8000", server))
    assert run(str(tmp_path / "readme"), folder=tmp_path) == output.splitlines()


def test_streamed_it_comes_in_pieces(server: str, tmp_path: Path) -> None:
    first, *arguments, finish = run(moved("weather", server, tmp_path), folder=tmp_path)
    assert first.endswith(" get_weather")
    assert "".join(literal_eval(piece) for piece in arguments) == '{"city": "Paris"}'
    assert (len(arguments) > 1, finish) == (True, "tool_calls")


def test_a_function_is_called_and_its_result_told(server: str, tmp_path: Path) -> None:
    call, result, answer = run(moved("functions", server, tmp_path), folder=tmp_path)
    assert call.startswith('call   get_weather {"city": "Paris"')
    assert result.startswith("result 18 degrees")
    assert "18" in answer


def test_the_todo_agent_holds_a_conversation_of_five_turns(server: str, tmp_path: Path) -> None:
    lines = run("todo_agent", "--script", "--base-url", f"{server}/v1", folder=tmp_path)
    assert [line.strip() for line in lines if re.match(r"  \w", line)] == [
        'create_todo {"title": "buy milk"}',
        'create_todo {"title": "call Anna"}',
        "list_todos {}",
        'update_todo {"id": 1, "status": "done"}',
        'delete_todo {"id": 2}',
    ]
    assert not [line for line in lines if "error" in line]
