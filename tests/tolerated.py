"""Conversations as clients send them, and the words of theirs that a prompt must show."""

from __future__ import annotations

import json

from gateway.chat.json import Json, Object

TOOLS: Json = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "days": {"type": ["integer", "null"], "description": "How far ahead."},
                    "unit": {"enum": ["C", "F"], "default": "C"},
                    "more": {"type": "object", "additionalProperties": True},
                    "else": {"anyOf": [{"type": "string"}, {"const": 1}]},
                    "any": True,
                    "items": {"type": "array", "items": {"type": ["string", "null"]}},
                },
            },
        },
    },
    {"type": "function", "function": {"name": "now"}},
    {"type": "function", "function": {"name": "ping", "parameters": {}}},
]

# Parameters that have no `items`, or have such as few do; and keys that are methods of a dict.
SCHEMAS: list[Json] = [
    {"type": "array"},
    {"type": "array", "prefixItems": [{"type": "string"}]},
    {"type": "array", "contains": {"type": "integer"}},
    {"type": "array", "items": True},
    {"type": "array", "items": {"type": "array"}},
    {"type": ["array", "null"]},
    {"anyOf": [{"type": "array"}, {"type": "null"}]},
    {"type": "object", "additionalProperties": {"type": "array"}},
    {"type": "object", "properties": {"items": {"type": "array"}, "keys": {}, "get": True}},
    {"type": "null"},
    {"enum": [[1], None, "a"]},
    {"const": {"a": [1]}},
]


def call(id: str = "", name: str = "get_weather", arguments: Json = '{"city": "Zagreb"}') -> Json:
    made: Object = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return made | {"id": id} if id else made


def system(text: str) -> Object:
    return {"role": "system", "content": text}


def user(text: Json) -> Object:
    return {"role": "user", "content": text}


def said(text: Json, *calls: Json, **more: Json) -> Object:
    made: Object = {"role": "assistant", "content": text, **more}
    return made | {"tool_calls": list(calls)} if calls else made


def gave(text: Json, id: str = "", **more: Json) -> Object:
    made: Object = {"role": "tool", "content": text, **more}
    return made | {"tool_call_id": id} if id else made


def called(arguments: Json) -> list[Object]:
    return [user("red"), said(None, call("c1", "now", arguments)), gave("tan", "c1"), user("pink")]


NOW = call("c2", "now", "{}")
RED, BLUE, PINK = user("red"), said("blue"), user("pink")
PARTS: Json = [{"type": "text", "text": "red"}, {"type": "text", "text": "gold"}]

SHAPES: dict[str, tuple[list[Object], str]] = {
    "a question": ([RED], "red"),
    "parts": ([user(PARTS)], "red gold"),
    "null content": ([user(None), BLUE, PINK], "blue pink"),
    "missing content": (
        [RED, {"role": "assistant", "tool_calls": [call("c1")]}, gave("tan", "c1")],
        "red get_weather Zagreb tan",
    ),
    "a developer": ([{"role": "developer", "content": "grey"}, RED], "grey red"),
    "two system texts": ([system("grey"), system("black"), RED], "grey black red"),
    "system in the middle": ([RED, BLUE, system("grey"), PINK], "red blue grey pink"),
    "system at the end": ([RED, BLUE, PINK, system("grey")], "red blue pink grey"),
    "system alone": ([system("grey")], "grey"),
    "system twice, alone": ([system("grey"), system("black")], "grey black"),
    "two users": ([RED, PINK], "red pink"),
    "two assistants": ([RED, BLUE, said("green"), PINK], "red blue green pink"),
    "assistant first": ([BLUE, PINK], "blue pink"),
    "system, then assistant": ([system("grey"), BLUE, PINK], "grey blue pink"),
    "assistant last": ([RED, BLUE], "red blue"),
    "assistant alone": ([BLUE], "blue"),
    "unanswered call": ([RED, said(None, call("c1")), PINK], "red get_weather Zagreb pink"),
    "call last": ([RED, said(None, call("c1"))], "red get_weather Zagreb"),
    "call alone": ([said(None, call("c1"))], "get_weather Zagreb"),
    "one of two answered": (
        [RED, said("blue", call("c1"), NOW), gave("tan", "c2"), PINK],
        "red blue get_weather Zagreb now tan pink",
    ),
    "orphan result": ([RED, gave("tan", "zz"), PINK], "red tan pink"),
    "result first": ([gave("tan", "zz"), PINK], "tan pink"),
    "result alone": ([gave("tan")], "tan"),
    "one result too many": (
        [RED, said(None, call("c1")), gave("tan", "c1"), gave("lime", "c9")],
        "red Zagreb tan lime",
    ),
    "results out of order": (
        [RED, said(None, call("c1"), NOW), gave("tan", "c2"), gave("lime", "c1")],
        "red Zagreb now tan lime",
    ),
    "no ids": (
        [RED, said(None, call(), call("", "now")), gave("tan"), gave("lime"), BLUE],
        "red Zagreb now tan lime blue",
    ),
    "names in the place of ids": (
        [
            *(RED, said(None, call(), call("", "now"))),
            *(gave("tan", name="now"), gave("lime", name="get_weather"), BLUE, PINK),
        ],
        "red Zagreb now tan lime blue pink",
    ),
    "all there is": (
        [
            *(system("grey"), RED, said("green", call("c1"), NOW)),
            *(gave("tan", "c1"), gave("lime", "c2"), BLUE, PINK),
        ],
        "grey red green get_weather Zagreb now tan lime blue pink",
    ),
    "one call after another": (
        [RED, said(None, call("c1")), gave("tan", "c1"), said("blue", NOW), gave("lime", "c2")],
        "red Zagreb tan blue now lime",
    ),
    "result after the user": (
        [RED, said(None, call("c1")), PINK, gave("tan", "c1"), BLUE],
        "red Zagreb pink tan blue",
    ),
    "empty result": ([RED, said(None, call("c1")), gave(None, "c1"), PINK], "red Zagreb pink"),
    "JSON result": (
        [RED, said(None, call("c1")), gave('{"sky": ["tan"]}', "c1"), PINK],
        "red Zagreb tan pink",
    ),
    "truncated arguments": (called('{"city": "Zag'), "red now Zag tan pink"),
    "malformed arguments": (called('{"city": Zag}}"'), "red now Zag tan pink"),
    "no arguments": (called(""), "red now tan pink"),
    "null arguments": (called(None), "red now tan pink"),
    "a list of arguments": (called('["Zag"]'), "red now Zag tan pink"),
    "a number of arguments": (called("1812"), "red now 1812 tan pink"),
    "text for arguments": (called('"Zag"'), "red now Zag tan pink"),
    "arguments as an object": (
        called({"a": ["Zag", {"b": 1}], "c": None, "d": 1.5, "e": True, "f": {}, "": "x"}),
        "red now Zag tan pink",
    ),
    "an odd name": (
        [RED, said(None, call("c1", 'get weather/"x"<b>.y-ü\n')), gave("tan", "c1"), PINK],
        "red weather tan pink",
    ),
    "an odd id": (
        [RED, said(None, call('ü/"1"\n')), gave("tan", 'ü/"1"\n'), PINK],
        "red Zagreb tan pink",
    ),
    "one id for two": (
        [RED, said(None, call("c1"), call("c1", "now")), gave("tan", "c1"), gave("lime", "c1")],
        "red Zagreb now tan lime",
    ),
    "reasoning": (
        [
            *(RED, said(None, call("c1"), reasoning_content="violet"), gave("tan", "c1")),
            *(said("blue", reasoning_content="indigo"), PINK),
        ],
        "red Zagreb tan blue pink",
    ),
    "reasoning alone": ([RED, said(None, reasoning_content="violet"), PINK], "red pink"),
    "nothing said": ([RED, said(""), PINK], "red pink"),
    "nothing at all": ([said(None)], ""),
    "the todo demo": (
        [RED, {"role": "assistant", "tool_call": [json.dumps(call("c1"))]}, gave("tan", "c1")],
        "red Zagreb tan",
    ),
}
