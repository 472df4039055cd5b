"""Conversations of every shape that a chat template must write."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from gateway.chat.messages import Call, Result, Speech, Tool, Turn
from gateway.chat.request import Request, ToolChoice

WEATHER = Tool(
    "get_weather",
    "The weather in a city.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where, e.g. Zürich"},
            "days": {"type": "integer", "description": "How far ahead"},
        },
        "required": ["city"],
    },
)
NOW = Tool("now", "The time.", {"type": "object", "properties": {}})
NOTE = Tool(
    "note",
    "Keep a note.",
    {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "weight": {"type": "number", "description": " 0 to 1 "},
            "pinned": {"type": "boolean"},
            "more": {"type": "object", "description": "Anything else"},
        },
    },
)

SYSTEM = Speech("system", "Be brief.")
HELLO = Speech("user", "Hello")
ASK = Speech("user", "Weather in Zürich?")
CALL = Call("get_weather", {"city": "Zürich", "days": 2}, "abcDEF123")
CALL_NOW = Call("now", {}, "abcDEF124")
RAIN = Result('{"sky": "rain"}', "abcDEF123")
NOON = Result("12", "abcDEF124")


def asks(*messages: Speech | Turn | Result, tools: tuple[Tool, ...] = ()) -> Request:
    return Request("m", messages, tools, ToolChoice(tuple(tool.name for tool in tools)))


ONE = asks(ASK, Turn(calls=(CALL,)), RAIN, tools=(WEATHER,))
TWO = asks(ASK, Turn(calls=(CALL, CALL_NOW)), RAIN, NOON, tools=(WEATHER, NOW))

CONVERSATIONS = {
    "hello": asks(HELLO),
    "system": asks(SYSTEM, HELLO),
    "follow_up": asks(HELLO, Turn("Hi."), ASK),
    "tools": asks(ASK, tools=(WEATHER,)),
    "three_tools_and_system": asks(SYSTEM, ASK, tools=(WEATHER, NOW, NOTE)),
    "result": ONE,
    "two_results": TWO,
    "answered": replace(ONE, messages=(SYSTEM, *ONE.messages, Turn("Rain."), Speech("user", "Ok"))),
    "called_again": replace(
        ONE, messages=(*ONE.messages, Turn(calls=(CALL_NOW,)), NOON), tools=(WEATHER, NOW)
    ),
    "called_after_talk": replace(ONE, messages=(HELLO, Turn("Hi."), *ONE.messages)),
}

# Anything at all.
CALLS = st.builds(
    Call, st.sampled_from("fg"), st.just({}), st.sampled_from(["", "a", "b", "call_0"])
)
RESULTS = st.builds(
    Result,
    st.text("123", max_size=2),
    st.sampled_from(["", "a", "b", "z"]),
    st.sampled_from(["", "f", "g", "h"]),
)
REPLIES = st.builds(Turn, st.just("x"), st.just(""), st.lists(CALLS, max_size=3).map(tuple))
