"""The generated conversations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.request import Sampling
from tests.depth import pick
from tests.training.data.catalogues import catalogue, sample
from training.data.conversation import Conversation
from training.data.deck import conversations
from training.data.generate import main
from training.data.offer import Group, Offer, Style, camel
from training.data.request import request
from training.data.setting import TRAINING

COUNT = pick(fast=200, deep=600)
BOTH = pytest.mark.parametrize("is_held_out", [False, True])


def calls(conversation: Conversation) -> Iterator[tuple[Mapping[str, Any], Any, str]]:
    """Yields the tool and arguments of each call, and all user messages before it."""
    offered: Any = {tool["function"]["name"]: tool["function"] for tool in functions(conversation)}
    heard = ""
    for message in messages(conversation):
        heard += f"{message['content']}\n" if message["role"] == "user" else ""
        for call in message.get("tool_calls", []):
            function = call["function"]
            yield offered[function["name"]], json.loads(function["arguments"]), heard


def functions(conversation: Conversation) -> Any:
    return conversation.tools


def messages(conversation: Conversation) -> Any:
    return conversation.messages


def bound() -> set[str]:
    """The values that differ from their wording."""
    return {
        str(choice.value)
        for is_held_out in (False, True)
        for tool in catalogue(is_held_out).tools
        for choice in tool.choices
        if not choice.copied
    }


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


@BOTH
def test_calls_are_of_offered_tools_and_valid(is_held_out: bool) -> None:
    for conversation in sample(COUNT, is_held_out):
        for function, arguments, _ in calls(conversation):
            Draft202012Validator(function["parameters"]).validate(arguments)


@BOTH
def test_string_arguments_occur_in_the_messages(is_held_out: bool) -> None:
    known = bound()
    for conversation in sample(COUNT, is_held_out):
        for _, arguments, heard in calls(conversation):
            assert all(text in heard or text in known for text in strings(arguments)), conversation


def test_a_client_may_group_parameters_in_an_object() -> None:
    alarm = next(tool for tool in catalogue().tools if tool.name == "set_alarm")
    offer = Offer(alarm, Style(camel, camel), Group("details", 2))
    ((_, given),) = request(alarm.asks[2], alarm, Random(1)).calls
    details = {"time": given["time",].value}
    assert offer.arguments(given) == {"details": details, "repeat": given["repeat",].value}


def test_an_integer_argument_is_an_int() -> None:
    for conversation in sample(COUNT):
        for function, arguments, _ in calls(conversation):
            for name, value in arguments.items():
                if function["parameters"]["properties"][name]["type"] == "integer":
                    assert type(value) is int


@BOTH
def test_the_gateway_accepts_a_conversation(is_held_out: bool) -> None:
    for conversation in sample(COUNT, is_held_out):
        body = {
            "model": "m",
            "tools": conversation.tools,
            "messages": conversation.messages,
        }
        request = to_request(read(json.dumps(body).encode()), Sampling())
        assert len(request.tools) == len(conversation.tools)


@BOTH
def test_an_answer_contains_its_states(is_held_out: bool) -> None:
    stated = [one for one in sample(COUNT, is_held_out) if one.states]
    assert {one.kind for one in stated} == {"result"}
    for one in stated:
        assert all(state in str(messages(one)[-1]["content"]) for state in one.states)


def test_each_kind_ends_with_its_number_of_calls() -> None:
    ends = Counter(
        (one.kind, len(messages(one)[-1].get("tool_calls", []))) for one in sample(COUNT)
    )
    assert set(ends) == {
        *(("call", 1), ("two", 2), ("talk", 0), ("unserved", 0), ("lacking", 0)),
        *(("result", 0), ("failed", 0), ("follow_up", 0), ("follow_up", 1)),
    }


def test_each_kind_has_its_share() -> None:
    kinds = Counter(one.kind for one in sample(COUNT))
    for kind, share in TRAINING.shares.items():
        assert kinds[kind] / COUNT == pytest.approx(share / 100, abs=0.02)


def test_a_held_out_conversation_has_four_to_six_tools() -> None:
    assert {len(one.tools) for one in sample(COUNT, True)} == {4, 5, 6}


def test_results_answer_the_calls_before_them() -> None:
    for conversation in sample(COUNT):
        made = [c["id"] for m in messages(conversation) for c in m.get("tool_calls", [])]
        heard = [m["tool_call_id"] for m in messages(conversation) if m["role"] == "tool"]
        assert made[: len(heard)] == heard
        assert len(set(made)) == len(made)


def test_consecutive_conversations_share_their_tools() -> None:
    changes = sum(one.tools != after.tools for one, after in pairwise(sample(COUNT)))
    assert COUNT / 9 <= changes <= COUNT / 4
    for one, after in pairwise(sample(COUNT)):
        if one.tools == after.tools and one.tools:
            assert system(one) == system(after)


def system(conversation: Conversation) -> str:
    first = messages(conversation)[0]
    return str(first["content"]) if first["role"] == "system" else ""


def test_equal_seeds_give_equal_conversations() -> None:
    again = tuple(islice(conversations(catalogue(), 1), 100))
    assert again == sample(COUNT)[:100]
    assert again != tuple(islice(conversations(catalogue(), 2), 100))


def test_a_file_has_one_conversation_per_line(tmp_path: Path) -> None:
    main(["--held-out", "--count", "20", "--out", str(tmp_path / "held_out.jsonl")])
    lines = (tmp_path / "held_out.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 20
    assert all(set(json.loads(line)) == {"kind", "tools", "messages", "states"} for line in lines)
