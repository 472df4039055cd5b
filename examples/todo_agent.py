"""A todo list that is kept by talking about it.

python examples/todo_agent.py              # a conversation in the terminal
python examples/todo_agent.py --script     # one of five turns, held by itself
python examples/todo_agent.py "New todo: buy milk" "List my todos"
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any, Literal

from openai import APIConnectionError, OpenAI

from gateway.functions import run_tools

SCRIPT = [
    "New todo: buy milk",
    "New todo: call Anna",
    "List my todos",
    "Mark todo 1 as done",
    "Delete todo 2",
]


class Todos:
    """The list, in SQLite; its methods are the tools."""

    def __init__(self, path: str):
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS todo"
            " (id INTEGER PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'open')"
        )

    def create_todo(self, title: str) -> dict[str, Any]:
        """Create a todo.

        Args:
            title: What is to be done
        """
        return self._one("INSERT INTO todo (title) VALUES (?) RETURNING *", title)

    def list_todos(self) -> list[dict[str, Any]]:
        """List all todos."""
        return self._all("SELECT * FROM todo ORDER BY id")

    def update_todo(self, id: int, status: Literal["open", "done"]) -> dict[str, Any]:
        """Update the status of a todo.

        Args:
            id: The todo's id
            status: The new status
        """
        return self._one("UPDATE todo SET status = ? WHERE id = ? RETURNING *", status, id)

    def delete_todo(self, id: int) -> dict[str, Any]:
        """Delete a todo.

        Args:
            id: The todo's id
        """
        return {"deleted": self._one("DELETE FROM todo WHERE id = ? RETURNING *", id)["id"]}

    def _one(self, statement: str, *values: Any) -> dict[str, Any]:
        rows = self._all(statement, *values)
        if not rows:
            raise LookupError("no todo has this id")
        return rows[0]

    def _all(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        found = self._db.execute(statement, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def told(messages: list[Any]) -> Iterator[str]:
    """What was called, and what came of it."""
    for message in messages:
        for call in message.get("tool_calls", []):
            yield f"  {call['function']['name']} {call['function']['arguments']}"
        if message["role"] == "tool":
            yield f"  -> {message['content']}"


def typed() -> Iterator[str]:
    """What is typed, until the input ends or a line is empty."""
    try:
        while line := input("> ").strip():
            yield line
    except (EOFError, KeyboardInterrupt):
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("says", nargs="*", help="what to say, instead of asking you")
    parser.add_argument("--script", action="store_true", help="hold a conversation of five turns")
    parser.add_argument("--database", help="default: todo.sqlite; with --script, none is kept")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--base-url", default="http://127.0.0.1:8000/v1")
    asked = parser.parse_args()

    todos = Todos(asked.database or (":memory:" if asked.script else "todo.sqlite"))
    tools = [todos.create_todo, todos.list_todos, todos.update_todo, todos.delete_todo]
    client = OpenAI(base_url=asked.base_url, api_key="none")
    messages: list[Any] = []
    lines = SCRIPT if asked.script else asked.says
    for line in lines or typed():
        if lines:
            print(f"> {line}")
        before = len(messages)
        messages.append({"role": "user", "content": line})
        try:
            answer = run_tools(client, asked.model, messages, tools)
        except APIConnectionError:
            sys.exit(f"no gateway at {asked.base_url}; `make serve` starts one")
        print(*told(messages[before:]), answer, sep="\n")


if __name__ == "__main__":
    main()
