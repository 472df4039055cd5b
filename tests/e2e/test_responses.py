"""The openai SDK's responses work with the embedded model."""

from __future__ import annotations

import json
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from gateway.chat.messages import TextGrammar
from gateway.grammar.bounds import matches
from gateway.grammar.custom.input_rules import alone
from tests.e2e.tools import WEATHER, bounded
from tests.reciters import recited

pytestmark = pytest.mark.model

SHORT: Any = {"type": "function", **bounded(WEATHER, 40)["function"]}
ARITHMETIC = """
start: sum
sum: product (("+" | "-") product)*
product: atom ("*" atom)*
atom: /[0-9]{1,3}/ | "(" sum ")"
"""
EDIT = """
start: "*** Begin Edit" LF "+" LINE LF "*** End Edit"
LINE: /[a-z "\\\\]{1,20}/
%import common.LF
"""
GRAMMARS = [
    TextGrammar("regex", r"\d{4}-\d\d-\d\d"),
    TextGrammar("lark", ARITHMETIC),
    TextGrammar("lark", EDIT),
]


def custom(grammar: TextGrammar) -> Any:
    definition = {"syntax": grammar.syntax, "definition": grammar.definition}
    return {"type": "custom", "name": "write", "format": {"type": "grammar", **definition}}


def test_required_call_is_made_and_its_output_answered(client: OpenAI) -> None:
    first = client.responses.create(
        model="ending",
        input="What is the weather in Paris?",
        tools=[SHORT],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    [made] = first.output
    assert made.type == "function_call"
    assert isinstance(json.loads(made.arguments)["city"], str)
    last = client.responses.create(
        model="ending",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": made.call_id, "output": "sunny"}],
    )
    assert last.output_text == recited()
    assert last.usage
    assert last.usage.input_tokens_details.cached_tokens > 0


def test_stream_helper_accumulates_a_call(client: OpenAI) -> None:
    with client.responses.stream(
        model="smollm2",
        input="What is the weather in Paris?",
        tools=[SHORT],
        tool_choice={"type": "function", "name": "get_weather"},
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert "response.function_call_arguments.delta" in kinds
    assert final.output[0].type == "function_call"


def test_text_is_parsed(client: OpenAI) -> None:
    class City(BaseModel):
        name: Literal["Paris", "Rome"]
        is_capital: bool

    response = client.responses.parse(model="smollm2", input="Describe Paris.", text_format=City)
    assert response.output_parsed
    assert response.output_parsed.name in ("Paris", "Rome")


def test_token_limit_makes_the_response_incomplete(client: OpenAI) -> None:
    response = client.responses.create(model="endless", input="Hello", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == recited(16)


@pytest.mark.parametrize("grammar", GRAMMARS, ids=["date", "arithmetic", "edit"])
def test_input_of_a_custom_tool_matches_its_grammar(client: OpenAI, grammar: TextGrammar) -> None:
    with client.responses.stream(
        model="smollm2",
        input="Write something.",
        tools=[custom(grammar)],
        tool_choice={"type": "custom", "name": "write"},
    ) as stream:
        deltas = [e.delta for e in stream if e.type == "response.custom_tool_call_input.delta"]
        final: Any = stream.get_final_response()
    [made] = final.output
    assert made.type == "custom_tool_call"
    assert "".join(deltas) == made.input
    assert matches(alone(grammar), made.input)


def test_background_response_is_followed_and_cancelled(client: OpenAI) -> None:
    made = client.responses.create(model="ending", input="Hello", background=True)
    assert made.status == "queued"
    with client.responses.stream(response_id=made.id, starting_after=0) as stream:
        *_, last = stream
    assert last.type == "response.completed"
    assert client.responses.retrieve(made.id).output_text == recited()
    endless = client.responses.create(model="endless", input="Hello", background=True)
    assert client.responses.cancel(endless.id).status == "cancelled"
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    assert [item.type for item in client.responses.input_items.list(endless.id)] == ["message"]
