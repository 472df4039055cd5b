"""Tool calls of models that are not tuned for this gateway: `python -m bench.models FILE.gguf...`.

Each file is served with its own chat template and the format that is detected, and asked greedily.
Prints a line for each kind of request: how many of the answers are right.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.app import create_app
from gateway.config.load import Config, Entry

Message = dict[str, Any]
Call = tuple[str, dict[str, Any]]
Check = Callable[[list[Call], str], bool]

TEXT: dict[str, Any] = {"type": "string"}
TOOLS = {
    "get_weather": ("Get the current weather in a city", {"city": TEXT}, ["city"]),
    "set_alarm": ("Set an alarm", {"time": {**TEXT, "description": "HH:MM"}}, ["time"]),
    "convert_currency": (
        "Convert an amount between currencies, which are ISO codes",
        {"amount": {"type": "number"}, "source": TEXT, "target": TEXT},
        ["amount", "source", "target"],
    ),
    "lock_door": (
        "Lock or unlock a door",
        {"door": TEXT, "action": {"enum": ["lock", "unlock"]}},
        ["door", "action"],
    ),
    "set_thermostat": ("Set the thermostat", {"celsius": {"type": "number"}}, ["celsius"]),
    "search_books": ("Search the library's catalogue", {"query": TEXT}, ["query"]),
}
ONE: list[tuple[str, str, dict[str, Any]]] = [
    ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
    ("How is the weather in Tokyo right now?", "get_weather", {"city": "Tokyo"}),
    ("Set an alarm for 06:45.", "set_alarm", {"time": "06:45"}),
    ("Wake me up at 07:30.", "set_alarm", {"time": "07:30"}),
    (
        "Convert 100 US dollars to euros.",
        "convert_currency",
        {"amount": 100, "source": "USD", "target": "EUR"},
    ),
    (
        "How much are 50 euros in Japanese yen?",
        "convert_currency",
        {"amount": 50, "source": "EUR", "target": "JPY"},
    ),
    ("Please lock the front door.", "lock_door", {"action": "lock"}),
    ("Unlock the garage door.", "lock_door", {"action": "unlock"}),
    ("Set the temperature to 21 degrees Celsius.", "set_thermostat", {"celsius": 21}),
    ("Find books about black holes in the library.", "search_books", {}),
]
TWO = [
    ("What is the weather in Paris and in London?", ["get_weather", "get_weather"]),
    ("Lock the front door and set the thermostat to 18.", ["lock_door", "set_thermostat"]),
    ("Set an alarm for 06:00 and tell me the weather in Rome.", ["set_alarm", "get_weather"]),
    ("Convert 10 USD to EUR and 10 USD to GBP.", ["convert_currency", "convert_currency"]),
]
NONE = (
    "What is the capital of France?",
    "Tell me a short joke.",
    "Who wrote Hamlet?",
    "Thanks, that's all!",
    "Explain what gravity is in one sentence.",
)
CODE = (
    "Write a Python function that adds two numbers.",
    "Show me a JSON object that describes a person with name and age.",
    "Write a JSON array with three colors.",
    "Give me a JSON config for a web server with host and port.",
    "Write a bash one-liner that lists files.",
)
RESULT = '{"status": "done", "value": 17}'
ANSWER = {
    "type": "object",
    "properties": {"answer": TEXT, "done": {"type": "boolean"}},
    "required": ["answer", "done"],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and whether its calls and content are right."""

    kind: str
    messages: list[Message]
    is_right: Check
    settings: dict[str, Any] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """Yields all cases, those of a kind in a row."""
    free: dict[str, Any] = {}
    for kind, settings in (("auto, one call due", free), ("required", {"tool_choice": "required"})):
        for text, name, arguments in ONE:
            yield Case(kind, [_user(text)], _exactly(name, arguments), settings)
    for text, names in TWO:
        yield Case("auto, two calls due", [_user(text)], _named(names))
    for kind, texts in (("auto, no call due", NONE), ("auto, code or JSON asked for", CODE)):
        for text in texts:
            yield Case(kind, [_user(text)], lambda calls, _: not calls)
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER}}
    for text, name, arguments in ONE:
        yield Case("after a result", _history(text, name, arguments), _is_text)
    for text, name, arguments in ONE:
        history = _history(text, name, arguments)
        yield Case("after a result, JSON", history, _is_json, {"response_format": form})


async def main(models: dict[str, Entry]) -> None:
    """Prints how many answers of each model are right."""
    app = create_app(Config(models=models))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for model in models:
                print(model)
                right: dict[str, list[bool]] = {}
                for case in cases():
                    right.setdefault(case.kind, []).append(await _ask(client, model, case))
                for kind, found in right.items():
                    print(f"    {kind:<30} {sum(found):>3} of {len(found)}", flush=True)


async def _ask(client: httpx.AsyncClient, model: str, case: Case) -> bool:
    body = {
        "model": model,
        "messages": case.messages,
        "tools": [_tool(name) for name in TOOLS],
        "temperature": 0,
        "max_tokens": 160,
        **case.settings,
    }
    answer = await client.post("/v1/chat/completions", json=body, timeout=600)
    choice = answer.raise_for_status().json()["choices"][0]
    message = choice["message"]
    functions = [call["function"] for call in message.get("tool_calls", ())]
    calls = [(one["name"], json.loads(one["arguments"])) for one in functions]
    return case.is_right(calls, message["content"] or "")


def _tool(name: str) -> dict[str, Any]:
    description, properties, required = TOOLS[name]
    parameters = {"type": "object", "properties": properties, "required": required}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _history(text: str, name: str, arguments: dict[str, Any]) -> list[Message]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": "call_1", "type": "function", "function": function}
    result = {"role": "tool", "tool_call_id": "call_1", "content": RESULT}
    return [_user(text), {"role": "assistant", "content": None, "tool_calls": [call]}, result]


def _exactly(name: str, arguments: dict[str, Any]) -> Check:
    def is_right(calls: list[Call], _: str) -> bool:
        return [one for one, _ in calls] == [name] and arguments.items() <= calls[0][1].items()

    return is_right


def _named(names: list[str]) -> Check:
    return lambda calls, _: sorted(name for name, _ in calls) == sorted(names)


def _is_text(calls: list[Call], content: str) -> bool:
    return not calls and bool(content)


def _is_json(calls: list[Call], content: str) -> bool:
    try:
        return not calls and set(json.loads(content)) == {"answer", "done"}
    except ValueError:
        return False


if __name__ == "__main__":
    paths = [Path(argument).resolve() for argument in sys.argv[1:]]
    asyncio.run(main({path.stem: Entry(source=str(path)) for path in paths}))
