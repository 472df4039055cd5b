"""`run_tools` executes tool calls until the model answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway.functions import FunctionError, HintError, run_tools
from tests.fakes import Script, call, scripted
from tests.functions.shapes import SHAPES, Shape
from tests.served import prompt, served

Messages = list[dict[str, Any]]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: The first
        b: The second
    """
    return a + b


def paint(wall: str, colour: Colour) -> str:
    """Paint a wall.

    Args:
        wall: The wall
        colour: The colour
    """
    return f"{wall} is {colour.name}"


def choose(unit: str | None, of: list[str]) -> dict[str, Any]:
    """Choose a unit.

    Args:
        unit: The unit (choices: ["mile", "metre"])
        of: What is measured (choices: ["road", "river"])
    """
    return {"unit": unit, "of": of}


def span(first: int, /, second: int = 2, *, third: tuple[int, int] = (3, 4)) -> object:
    """Span a range.

    Args:
        first: The first
        second: The second
        third: The third
    """
    return {first, second, *third} if isinstance(third, tuple) else third


def fail(why: str) -> None:
    """Fail.

    Args:
        why: The reason
    """
    raise LookupError(why)


def endless() -> object:
    """Return a list that contains itself."""
    knot: list[object] = []
    knot.append(knot)
    return knot


FUNCTIONS: list[Shape] = [add, paint, choose, span, fail, endless]


@dataclass
class Scripted:
    """A client with the SDK's interface that returns `turns` (calls or text) in order."""

    turns: list[str | list[tuple[str, str]]]
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def chat(self) -> Any:
        return SimpleNamespace(completions=self)

    def create(self, **request: Any) -> Any:
        turn = self.turns[min(len(self.requests), len(self.turns) - 1)]
        self.requests.append({**request, "messages": [*request["messages"]]})
        if isinstance(turn, str):
            message = SimpleNamespace(content=turn, tool_calls=None)
        else:
            calls = [self._call(at, *one) for at, one in enumerate(turn)]
            message = SimpleNamespace(content=None, tool_calls=calls)
        return SimpleNamespace(choices=[SimpleNamespace(message=message)])

    def _call(self, at: int, name: str, arguments: str) -> Any:
        function = SimpleNamespace(name=name, arguments=arguments)
        return SimpleNamespace(id=f"call_{len(self.requests)}_{at}", function=function)


def user(text: str = "Go.") -> Messages:
    return [{"role": "user", "content": text}]


def results(messages: Messages) -> list[str]:
    return [message["content"] for message in messages if message["role"] == "tool"]


def result_of(name: str, arguments: str) -> str:
    """The result of a call that the model reads."""
    messages = user()
    assert run_tools(Scripted([[(name, arguments)], "Done."]), "m", messages, FUNCTIONS) == "Done."
    [result] = results(messages)
    return result


# -- the loop


def test_an_answer_without_a_call_is_returned() -> None:
    client, messages = Scripted(["Hello."]), user()
    assert run_tools(client, "m", messages, [add], temperature=0) == "Hello."
    assert messages == [*user(), {"role": "assistant", "content": "Hello."}]
    [request] = client.requests
    assert (request["model"], request["temperature"], request["messages"]) == ("m", 0, user())
    assert [tool["function"]["name"] for tool in request["tools"]] == ["add"]


def test_a_tool_is_sent_without_its_return_schema() -> None:
    client = Scripted(["Hello."])
    run_tools(client, "m", user(), [add])
    assert set(client.requests[0]["tools"][0]["function"]) == {"name", "description", "parameters"}


def test_results_have_the_ids_of_their_calls() -> None:
    client, messages = Scripted([[("add", '{"a": 1}'), ("add", '{"a": 2, "b": 3}')], "5."]), user()
    assert run_tools(client, "m", messages, [add]) == "5."
    assert client.requests[1]["messages"] == messages[:-1]
    assert messages[1]["tool_calls"] == [
        {
            "id": f"call_1_{at}",
            "type": "function",
            "function": {"name": "add", "arguments": arguments},
        }
        for at, arguments in enumerate(('{"a": 1}', '{"a": 2, "b": 3}'))
    ]
    assert messages[2:4] == [
        {"role": "tool", "tool_call_id": "call_1_0", "content": "2"},
        {"role": "tool", "tool_call_id": "call_1_1", "content": "5"},
    ]


def test_a_conversation_continues_with_the_same_messages() -> None:
    client, messages = Scripted([[("add", '{"a": 1}')], "2.", [("add", '{"a": 2}')], "3."]), user()
    assert run_tools(client, "m", messages, [add]) == "2."
    messages += user("And now?")
    assert run_tools(client, "m", messages, [add]) == "3."
    assert [message["role"] for message in messages] == [
        *("user", "assistant", "tool", "assistant"),
        *("user", "assistant", "tool", "assistant"),
    ]


def test_tool_choice_applies_to_the_first_turn_only() -> None:
    client = Scripted([[("add", '{"a": 1}')], "2."])
    run_tools(client, "m", user(), [add], tool_choice="required")
    assert [request.get("tool_choice") for request in client.requests] == ["required", None]


def test_after_max_turns_the_model_must_answer() -> None:
    client, messages = Scripted([[("add", '{"a": 1}')]]), user()
    assert run_tools(client, "m", messages, [add], max_turns=3) == ""
    assert [request.get("tool_choice") for request in client.requests] == [None, None, None, "none"]
    assert messages[-1] == {"role": "assistant", "content": ""}


def test_reasoning_is_sent_back() -> None:
    message = SimpleNamespace(content="", tool_calls=None, reasoning_content="Hm.")
    completions = SimpleNamespace(
        create=lambda **_: SimpleNamespace(choices=[SimpleNamespace(message=message)])
    )
    messages = user()
    run_tools(SimpleNamespace(chat=SimpleNamespace(completions=completions)), "m", messages, [])
    assert messages[-1]["reasoning_content"] == "Hm."


def test_an_invalid_function_is_reported_before_the_first_request() -> None:
    client = Scripted(["Hello."])
    with pytest.raises(HintError, match="'a' has no type hint"):
        run_tools(client, "m", user(), [add, SHAPES["no_hint"]])
    with pytest.raises(FunctionError, match="two functions have the same name"):
        run_tools(client, "m", user(), [add, add])
    with pytest.raises(FunctionError, match="waits is async"):
        run_tools(client, "m", user(), [SHAPES["waits"]])
    assert not client.requests


# -- a call


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("add", '{"a": 1}', "2"),
        ("add", '{"a": "1", "b": 2.0}', "3"),
        ("paint", '{"wall": "The door", "colour": "red"}', "The door is RED"),
        ("choose", '{"unit": null, "of": ["road"]}', '{"unit": null, "of": ["road"]}'),
        ("span", '{"first": 1, "third": [1, 2]}', "[1, 2]"),
        ("span", '{"third": [1, 2], "second": 1, "first": 1}', "[1, 2]"),
    ],
)
def test_arguments_are_converted_to_the_types_of_the_signature(
    name: str, arguments: str, result: str
) -> None:
    assert result_of(name, arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("subtract", "{}", "no function 'subtract'; valid are 'add', 'paint', 'choose'"),
        ("add", "", "the argument 'a' is missing"),
        ("add", '{"a": 1', "the arguments are not JSON"),
        ("add", '{"a": NaN}', "the arguments are not JSON"),
        ("add", "[1]", "the arguments are not a JSON object"),
        ("add", '{"b": 1}', "the argument 'a' is missing"),
        ("add", '{"a": 1, "c": 1}', "no argument 'c'; valid are 'a', 'b'"),
        ("add", '{"a": "one"}', "'a': Input should be a valid integer"),
        ("add", '{"a": 1, "b": null}', "'b': Input should be a valid integer"),
        ("paint", '{"wall": "w", "colour": "tan"}', "'colour' must be one of"),
        ("choose", '{"unit": "foot", "of": []}', "'unit' must be one of"),
        ("choose", '{"unit": "mile", "of": ["road", "sky"]}', "'of' must be one of"),
        ("span", '{"first": 1, "third": [1, "x"]}', "'third.1': Input should be a valid integer"),
        ("fail", '{"why": "so"}', "LookupError: so"),
        ("endless", "{}", "ValueError: Circular reference"),
    ],
)
def test_every_error_is_a_result(name: str, arguments: str, error: str) -> None:
    assert json.loads(result_of(name, arguments))["error"].startswith(error)


# -- over HTTP


@contextmanager
def conversation(script: Script) -> Iterator[OpenAI]:
    with (
        served(script) as url,
        OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


SUM = f"{call('add', {'a': 1})}\n{call('add', {'a': 2, 'b': 3})}"


def test_run_tools_works_with_a_gateway() -> None:
    script, messages = Script([scripted(SUM), scripted("It is 5.")]), user()
    with conversation(script) as client:
        assert run_tools(client, "m", messages, [add, paint]) == "It is 5."
    assert results(messages) == ["2", "5"]
    assert "Add two numbers." in prompt(script, 0)
    assert "<tool_response>" in prompt(script, 1)


def test_a_streamed_conversation_has_the_same_messages_and_emits_events() -> None:
    messages, streamed = user(), user()
    events: list[Any] = []
    with conversation(Script([scripted(SUM), scripted("It is 5.")])) as client:
        run_tools(client, "m", messages, [add, paint])
    with conversation(Script([scripted(SUM), scripted("It is 5.")])) as client:
        answer = run_tools(client, "m", streamed, [add, paint], on_event=events.append)
    assert "".join(event.delta for event in events if event.type == "content.delta") == answer
    for message in (*messages, *streamed):
        message.pop("tool_call_id", None)
        message["content"] = message["content"] or None
        for one in message.get("tool_calls", ()):
            one.pop("id")
    assert streamed == messages


def test_the_messages_stay_if_the_gateway_returns_an_error() -> None:
    messages = user()
    with conversation(Script([scripted(SUM)])) as client, pytest.raises(openai.NotFoundError):
        run_tools(client, "another", messages, [add])
    assert messages == user()
