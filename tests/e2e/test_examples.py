"""The README's requests and the example programs, with the embedded model."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import REPO, readme_request
from tests.functions.examples import moved, run

pytestmark = pytest.mark.model

# In the examples, the model decides whether and what it calls; tests/functions tests this with
# scripted models. Here one call per turn is required, so that the tests pass with any model.
ONE_CALL = 'tool_choice="required", parallel_tool_calls=False, max_turns=1, max_tokens=80'
TODO_CALLS = (
    r'create_todo \{"title": "(buy milk|call Anna)"\}',
    r"list_todos \{\}",
    r'update_todo \{"id": [12], "status": "(open|done)"\}',
    r'delete_todo \{"id": [12]\}',
)


def message(server: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{server}/v1/chat/completions"
    answer = httpx.post(url, json=body, timeout=60).raise_for_status().json()
    said: dict[str, Any] = answer["choices"][0]["message"]
    return said


def test_first_readme_request_is_answered(server: str) -> None:
    request_body = readme_request()
    assert "tool_choice" not in request_body
    said = message(server, {**request_body, "max_tokens": 400})
    assert said["content"] or said["tool_calls"]
    for call in said.get("tool_calls", ()):
        assert call["function"]["name"] == "get_weather"
        assert isinstance(json.loads(call["function"]["arguments"])["city"], str)


def test_first_readme_request_with_tool_choice_required_calls_get_weather(
    server: str,
) -> None:
    request_body = readme_request()
    [tool] = request_body["tools"]
    tool["function"]["parameters"]["properties"]["city"]["enum"] = ["Paris"]
    more = {"tool_choice": "required", "parallel_tool_calls": False}
    [call] = message(server, {**request_body, **more})["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def test_readme_python_example_prints_its_documented_output(server: str, tmp_path: Path) -> None:
    page = (REPO / "README.md").read_text()
    [(code, output)] = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", page, re.S)
    (tmp_path / "readme.py").write_text(code.replace("http://127.0.0.1:8000", server))
    assert run(str(tmp_path / "readme"), folder=tmp_path) == output.splitlines()


def test_weather_example_streams_the_arguments(server: str, tmp_path: Path) -> None:
    held = {
        '{"city": {"type": "string"}}': '{"city": {"enum": ["Paris", "Rome"]}}',
        "stream=True": 'stream=True, tool_choice="required", parallel_tool_calls=False',
    }
    first, *arguments, finish = run(moved("weather", server, tmp_path, held), folder=tmp_path)
    assert first.endswith(" get_weather")
    written = "".join(literal_eval(piece) for piece in arguments)
    assert written in ('{"city": "Paris"}', '{"city": "Rome"}')
    assert (len(arguments) > 1, finish) == (True, "tool_calls")


def test_functions_example_calls_a_function_and_prints_its_result(
    server: str, tmp_path: Path
) -> None:
    held = {
        "city: str, unit": 'city: Literal["Paris"], unit',
        'Literal["celsius", "fahrenheit"]': 'Literal["celsius"]',
        "[get_weather, add])": f"[get_weather], {ONE_CALL})",
    }
    call, result, answer, *_ = run(moved("functions", server, tmp_path, held), folder=tmp_path)
    assert call.startswith('call   get_weather {"city": "Paris"')
    assert result == "result 18 degrees celsius and sunny in Paris"
    assert answer.startswith("answer ")


def test_todo_agent_completes_five_turns(server: str, tmp_path: Path) -> None:
    held = {
        "title: str": 'title: Literal["buy milk", "call Anna"]',
        "id: int": "id: Literal[1, 2]",
        "messages, tools)": f"messages, tools, {ONE_CALL})",
    }
    lines = run(moved("todo_agent", server, tmp_path, held), "--script", folder=tmp_path)
    [calls, results] = [
        [line.removeprefix(start) for line in lines if re.match(rf"{start}{after}", line)]
        for start, after in (("  ", r"\w+ \{"), ("  -> ", ""))
    ]
    assert len(calls) == len(results) == 5
    for call, result in zip(calls, results, strict=True):
        assert re.fullmatch("|".join(TODO_CALLS), call)
        assert isinstance(json.loads(result), dict | list)
        assert "error" not in result or "no todo has this id" in result
