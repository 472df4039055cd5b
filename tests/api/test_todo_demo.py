"""The todo demo of LlamaEdge, including its deviations from the API, over real HTTP.

Source of the deviations: https://github.com/second-state/llm_todo, main.py.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import OpenAI

from tests.fakes import Script, call, scripted
from tests.served import prompt, served

AS_THE_DEMO_NEEDS = {"tool_calls": "whole", "content": "always"}


def tool(name: str, **properties: str) -> dict[str, Any]:
    """Returns a tool as the demo defines it: no `required`, and no `parameters` if it has none."""
    function: dict[str, Any] = {"name": name, "description": name.replace("_", " ")}
    if properties:
        kinds = {key: {"type": kind, "description": key} for key, kind in properties.items()}
        function["parameters"] = {"type": "object", "properties": kinds}
    return {"type": "function", "function": function}


TOOLS: Any = [
    tool("get_tasks"),
    tool("create_task", task="string"),
    tool("update_task", id="number", status="string"),
    tool("delete_task", id="number"),
]

STATEMENTS = {
    "get_tasks": "SELECT * FROM todo",
    "create_task": "INSERT INTO todo (task, status) VALUES (:task, 'todo')",
    "update_task": "UPDATE todo SET status = :status WHERE id = :id",
    "delete_task": "DELETE FROM todo WHERE id = :id",
}


class Database:
    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE TABLE todo (id INTEGER PRIMARY KEY, task TEXT, status TEXT)")

    def run(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        rows = self._db.execute(STATEMENTS[name], arguments).fetchall()
        return {"result": "ok", "tasks": rows} if name == "get_tasks" else {"result": "ok"}

    @property
    def tasks(self) -> list[Any]:
        return self._db.execute(STATEMENTS["get_tasks"]).fetchall()

    def close(self) -> None:
        self._db.close()


@dataclass
class Demo:
    """The demo's client: it sends the same requests and raises the same errors."""

    client: OpenAI
    database: Database
    messages: list[Any] = field(
        default_factory=lambda: [{"role": "system", "content": "You are a todo list assistant."}]
    )

    def say(self, text: str) -> str:
        """Returns the assistant's answer after its last call."""
        self.messages.append({"role": "user", "content": text})
        while results := self._turn():
            for result in results:  # without the ids of their calls
                self.messages.append({"role": "tool", "content": json.dumps(result)})
        content: str = self.messages[-1]["content"]
        return content

    def _turn(self) -> list[dict[str, Any]]:
        content, calls = self._streamed()
        said: dict[str, Any] = {"role": "assistant", "content": content}
        if calls:
            said["tool_call"] = [call.model_dump_json() for call in calls]
        self.messages.append(said)
        return [self._result(call.function) for call in calls]

    def _streamed(self) -> tuple[str, list[Any]]:
        """Returns the content and the calls; only one delta may have calls."""
        content = ""
        calls: list[Any] = []
        stream: Any = self.client.chat.completions.create(
            model="m", messages=self.messages, tools=TOOLS, stream=True
        )
        for chunk in stream:
            if not chunk.choices:
                break
            delta = chunk.choices[0].delta
            content += delta.content  # raises TypeError for a chunk without content
            if delta.tool_calls:
                if calls:
                    raise TypeError("the demo can't add a delta to a call that it has")
                calls = delta.tool_calls
        return content, calls

    def _result(self, function: Any) -> dict[str, Any]:
        arguments = {} if function.name == "get_tasks" else json.loads(function.arguments)
        return self.database.run(function.name, arguments)


TURNS: list[tuple[str, str, str]] = [
    ("Add buying milk.", call("create_task", {"task": "buy milk"}), "I added it."),
    (
        "Add a call to Anna.",
        f"Of course.\n{call('create_task', {'task': 'call Anna'})}",
        "Added «call Anna».",
    ),
    ("What is there to do?", call("get_tasks", {}), "Buy milk and call Anna."),
    ("The milk is done.", call("update_task", {"id": 1, "status": "done"}), "Well done."),
    ("Forget Anna.", call("delete_task", {"id": 2}), "It is gone."),
    (
        "Add eggs and bread.",
        f"{call('create_task', {'task': 'eggs'})}\n{call('create_task', {'task': 'bread'})}",
        "Both are there.",
    ),
]


def script() -> Script:
    """Returns a model that calls a tool and then answers in each turn."""
    return Script([scripted(text) for _, called, answer in TURNS for text in (called, answer)])


@contextmanager
def demo(model: Script, stream: dict[str, str] = AS_THE_DEMO_NEEDS) -> Iterator[Demo]:
    database = Database()
    with (
        served(model, stream=stream) as url,
        OpenAI(base_url=f"{url}/v1", api_key="NA", max_retries=0) as client,
        closing(database),
    ):
        yield Demo(client, database)


def test_todo_demo_completes_its_conversation() -> None:
    model = script()
    with demo(model) as it:
        answers = [it.say(asked) for asked, _, _ in TURNS]
        assert [task for _, task, _ in it.database.tasks] == ["buy milk", "eggs", "bread"]
    assert answers == [answer for _, _, answer in TURNS]
    assert len(model.requests) == 2 * len(TURNS)


def test_prompt_has_earlier_calls_and_results_in_order() -> None:
    model = script()
    with demo(model) as it:
        for asked, _, _ in TURNS:
            it.say(asked)
    told = [
        '{"task": "buy milk"}',
        "I added it.",
        "Of course.",
        '{"task": "call Anna"}',
        '"tasks": [[1, "buy milk", "todo"], [2, "call Anna", "todo"]]',
        '{"id": 1, "status": "done"}',
        "Well done.",
        '{"id": 2}',
    ]
    last = prompt(model, -1)
    at = [last.index(words) for words in told]
    assert at == sorted(at)
    assert last.count("<tool_response>") == sum(
        called.count("</tool_call>") for _, called, _ in TURNS
    )


@pytest.mark.parametrize("stream", [{}, {"tool_calls": "whole"}])
def test_todo_demo_requires_content_in_every_delta(stream: dict[str, str]) -> None:
    with demo(script(), stream) as it, pytest.raises(TypeError, match="NoneType"):
        it.say("Add buying milk.")


def test_todo_demo_requires_whole_calls_in_one_delta() -> None:
    with demo(script(), {"content": "always"}) as it, pytest.raises(TypeError, match="add a delta"):
        it.say("Add buying milk.")
