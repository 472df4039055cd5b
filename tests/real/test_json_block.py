"""Calls as a Markdown block of JSON, which the model writes better than its family's tags."""

from __future__ import annotations

import pytest

from tests.real.chat import Chat, Reply, result, user

pytestmark = pytest.mark.real

TWO = [
    *(
        f"What is the weather in {one} and in {other}?"
        for one, other in (("Paris", "London"), ("Oslo", "Rome"), ("Lima", "Cairo"))
    ),
    *(
        f"Add two todos with priority 3: {one}, and {other}."
        for one, other in (("buy bread", "call Ann"), ("pay the rent", "water the plants"))
    ),
]
ONE = [f"What is the weather in {city}?" for city in ("Paris", "Oslo", "Lima", "Cairo", "Rome")]


def ask(chat: Chat, *messages: dict[str, object]) -> Reply:
    """The answer, which is the same in a stream."""
    asks = {"model": "json_block", "logprobs": True}
    whole = chat.ask([*messages], **asks)
    assert whole.is_like(chat.stream([*messages], **asks))
    assert whole.finish != "length"
    return whole


def test_most_of_two_calls_that_are_due_come_at_once(chat: Chat) -> None:
    replies = [ask(chat, user(prompt)) for prompt in TWO]
    assert sum(len(reply.called) == 2 for reply in replies) > len(TWO) / 2


def test_most_results_are_answered_without_a_further_call(chat: Chat) -> None:
    answers = []
    for prompt in ONE:
        reply = ask(chat, user(prompt))
        results = [result(call, '{"celsius": 17, "sky": "sunny"}') for call in reply.calls]
        answers.append(ask(chat, user(prompt), reply.message, *results))
    assert sum(bool(answer.text) and not answer.calls for answer in answers) > len(ONE) / 2


@pytest.mark.parametrize("prompt", [*ONE[:2], "Thanks, that was all!"])
def test_a_required_call_comes_once(chat: Chat, prompt: str) -> None:
    reply = chat.ask([user(prompt)], model="json_block", tool_choice="required")
    assert reply.called
    assert reply.finish == "tool_calls"
