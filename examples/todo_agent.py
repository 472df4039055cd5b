"""A todo list agent: the model edits a SQLite table through four tools.

python examples/todo_agent.py              # a conversation in the terminal
python examples/todo_agent.py --script     # a scripted conversation of five turns
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
    """The todo list in SQLite; its methods are the tools."""

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


def tool_calls(messages: list[Any]) -> Iterator[str]:
    """A line for each tool call and for each result."""
    for message in messages:
        for call in message.get("tool_calls", []):
            yield f"  {call['function']['name']} {call['function']['arguments']}"
        if message["role"] == "tool":
            yield f"  -> {message['content']}"


def typed() -> Iterator[str]:
    """Lines from standard input, up to the end or an empty line."""
    try:
        while line := input("> ").strip():
            yield line
    except (EOFError, KeyboardInterrupt):
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "messages", nargs="*", help="user messages; without any, they are read from the terminal"
    )
    parser.add_argument(
        "--script", action="store_true", help="run a scripted conversation of five turns"
    )
    parser.add_argument("--database", help="default: todo.sqlite; with --script, in memory")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--base-url", default="http://127.0.0.1:8000/v1")
    options = parser.parse_args()

    todos = Todos(options.database or (":memory:" if options.script else "todo.sqlite"))
    tools = [todos.create_todo, todos.list_todos, todos.update_todo, todos.delete_todo]
    client = OpenAI(base_url=options.base_url, api_key="none")
    messages: list[Any] = []
    lines = SCRIPT if options.script else options.messages
    for line in lines or typed():
        if lines:
            print(f"> {line}")
        before = len(messages)
        messages.append({"role": "user", "content": line})
        try:
            answer = run_tools(client, options.model, messages, tools)
        except APIConnectionError:
            sys.exit(f"no gateway at {options.base_url}; start one with `make serve`")
        print(*tool_calls(messages[before:]), answer, sep="\n")


if __name__ == "__main__":
    main()
