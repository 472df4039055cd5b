"""The examples run against a gateway with a scripted model."""

from __future__ import annotations

from ast import literal_eval
from pathlib import Path

from tests.fakes import Script, call, scripted
from tests.functions.examples import moved, run
from tests.served import prompt, served

TURNS: list[tuple[str, str]] = [
    (call("create_todo", {"title": "buy milk"}), "I added it."),
    (call("create_todo", {"title": "call Anna"}), "I added it, too."),
    (call("list_todos", {}), "Buy milk and call Anna."),
    (call("update_todo", {"id": 1, "status": "done"}), "It is done."),
    (call("delete_todo", {"id": 2}), "It is gone."),
]


def script(turns: list[tuple[str, str]] = TURNS) -> Script:
    return Script([scripted(text) for turn in turns for text in turn])


def test_the_todo_agent_runs_its_script(tmp_path: Path) -> None:
    model = script()
    with served(model, aliases=("smollm2",)) as url:
        lines = run("todo_agent", "--script", "--base-url", f"{url}/v1", folder=tmp_path)
    milk = '{"id": 1, "title": "buy milk", "status": "%s"}'
    anna = '{"id": 2, "title": "call Anna", "status": "open"}'
    assert lines == [
        "> New todo: buy milk",
        '  create_todo {"title": "buy milk"}',
        f"  -> {milk % 'open'}",
        "I added it.",
        "> New todo: call Anna",
        '  create_todo {"title": "call Anna"}',
        f"  -> {anna}",
        "I added it, too.",
        "> List my todos",
        "  list_todos {}",
        f"  -> [{milk % 'open'}, {anna}]",
        "Buy milk and call Anna.",
        "> Mark todo 1 as done",
        '  update_todo {"id": 1, "status": "done"}',
        f"  -> {milk % 'done'}",
        "It is done.",
        "> Delete todo 2",
        '  delete_todo {"id": 2}',
        '  -> {"deleted": 2}',
        "It is gone.",
    ]
    assert "Buy milk and call Anna." in prompt(model, -1)
    assert not list(tmp_path.iterdir())


def test_the_todo_agent_saves_the_list_between_runs(tmp_path: Path) -> None:
    with served(script(TURNS[:1]), aliases=("smollm2",)) as url:
        address = ("--base-url", f"{url}/v1")
        run("todo_agent", *address, folder=tmp_path, typed="Create a todo: buy milk\n\n")
    with served(script(TURNS[2:3]), aliases=("smollm2",)) as url:
        lines = run("todo_agent", "List", "--base-url", f"{url}/v1", folder=tmp_path)
    assert '  -> [{"id": 1, "title": "buy milk", "status": "open"}]' in lines


def test_the_todo_agent_reports_a_missing_todo_to_the_model(tmp_path: Path) -> None:
    with served(script(TURNS[4:]), aliases=("smollm2",)) as url:
        lines = run("todo_agent", "Delete", "--base-url", f"{url}/v1", folder=tmp_path)
    assert '  -> {"error": "LookupError: no todo has this id"}' in lines


def test_the_functions_example_runs(tmp_path: Path) -> None:
    model = script([(call("get_weather", {"city": "Paris"}), "It is 18 degrees.")])
    with served(model, aliases=("smollm2",)) as url:
        lines = run(moved("functions", url, tmp_path), folder=tmp_path)
    assert lines == [
        'call   get_weather {"city": "Paris"}',
        "result 18 degrees celsius and sunny in Paris",
        "answer It is 18 degrees.",
    ]


def test_the_weather_example_runs(tmp_path: Path) -> None:
    model = Script([scripted(call("get_weather", {"city": "Paris"}))])
    with served(model, aliases=("smollm2",)) as url:
        first, *arguments, finish = run(moved("weather", url, tmp_path), folder=tmp_path)
    assert first.endswith(" get_weather")
    assert "".join(literal_eval(piece) for piece in arguments) == '{"city": "Paris"}'
    assert finish == "tool_calls"
