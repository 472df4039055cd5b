"""Finds out what a chat template requires that most do not, by rendering trial conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.format import Format
from gateway.prompt import rewrites


@dataclass(frozen=True, slots=True)
class Quirks:
    """The requirements of a template; each names what is done to meet it."""

    empty_tools_list: bool = False  # `tools` is an empty list if there are none
    functions_as_text: bool = False  # tools are JSON text in the variable `functions`
    one_type_per_property: bool = False  # in a tool's schema
    properties_described: bool = False  # in a tool's schema
    arrays_with_items: bool = False  # in a tool's schema
    arguments_as_text: bool = False  # arguments are JSON text
    reasoning_key_reasoning: bool = False  # reasoning is under the key `reasoning`
    reasoning_key_thinking: bool = False  # reasoning is under the key `thinking`
    reasoning_as_content_part: bool = False
    unpaired_results_as_text: bool = False
    results_as_text: bool = False
    calls_as_text: bool = False
    text_in_own_turn: bool = False
    user_between_turns: bool = False
    one_call_per_turn: bool = False
    past_calls_as_text: bool = False  # calls before the last user message
    no_empty_turns: bool = False
    one_system_message: bool = False
    user_first: bool = False
    user_last: bool = False  # after calls without results
    system_in_user: bool = False
    alternating_roles: bool = False

    def __str__(self) -> str:
        names = [name.replace("_", " ") for name in self.__slots__ if getattr(self, name)]
        return ", ".join(names)


def adapted(messages: Sequence[Message], quirks: Quirks, format: Format) -> list[Message]:
    """Arranged messages as a template with these quirks requires them."""
    for name, rewrite in _rewrites(partial(encode, format)).items():
        if getattr(quirks, name):
            messages = rewrite(messages)
    return list(messages)


def adapted_tool(tool: Tool, quirks: Quirks) -> Tool:
    """`tool` as a template with these quirks requires it."""
    properties = tool.parameters.get("properties")
    needs_change = quirks.one_type_per_property or quirks.properties_described
    needs_change = needs_change or quirks.arrays_with_items
    if not needs_change or not isinstance(properties, dict):
        return tool
    plain: Object = {name: _plain(schema, quirks) for name, schema in properties.items()}
    return Tool(tool.name, tool.description, tool.parameters | {"properties": plain})


HELLO = Speech("user", "Hello")
PROBE = Tool("probe_tool_name", "A probe.", {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class Trial:
    """A conversation, and the quirks that a template has if it is not rendered as it should be.

    The prompt must contain all of `shown` and none of `not_shown`, which shows that a quirk was
    assumed wrongly.
    """

    messages: tuple[Message, ...]
    shown: tuple[str, ...]
    quirks: tuple[str, ...] = ()
    tool: Tool = PROBE
    not_shown: tuple[str, ...] = ()

    def assumptions(self) -> Iterator[dict[str, bool]]:
        """No quirk, then each alone, then each two, and so on."""
        for count in range(len(self.quirks) + 1):
            for names in combinations(self.quirks, count):
                yield dict.fromkeys(names, True)


def find_quirks(passes: Callable[[Trial, Quirks], bool]) -> Quirks:
    """The quirks with which all trials pass, or as many of them as possible."""
    quirks = Quirks()
    for trial in TRIALS:
        candidates = (replace(quirks, **names) for names in trial.assumptions())
        quirks = next((one for one in candidates if passes(trial, one)), quirks)
    return quirks


def _rewrites(
    write: Callable[[Turn], str],
) -> dict[str, Callable[[Sequence[Message]], list[Message]]]:
    """The rewrite for each quirk, in the order in which they are applied."""
    return {
        "unpaired_results_as_text": rewrites.unpaired_results_as_text,
        "text_in_own_turn": rewrites.text_in_own_turn,
        "user_between_turns": rewrites.user_between_turns,
        "one_call_per_turn": rewrites.one_call_per_turn,
        "past_calls_as_text": partial(rewrites.past_calls_as_text, write),
        "calls_as_text": partial(rewrites.calls_as_text, write),
        "results_as_text": rewrites.results_as_text,
        "no_empty_turns": rewrites.no_empty_turns,
        "one_system_message": rewrites.one_system_message,
        "user_first": rewrites.user_first,
        "user_last": rewrites.user_last,
        "system_in_user": rewrites.system_in_user,
        "alternating_roles": rewrites.alternating_roles,
    }


def _plain(schema: Json, quirks: Quirks) -> Object:
    """A property's schema with the keys that templates read without checking for them."""
    plain: Object = dict(schema) if isinstance(schema, dict) else {}
    types = plain.get("type", "null")
    known = [one for one in (types if isinstance(types, list) else [types]) if one != "null"]
    if known:
        plain["type"] = known[0]
    else:
        plain.pop("type", None)
    if quirks.properties_described:
        plain.setdefault("description", "")
    if quirks.properties_described and plain.get("type") == "object":
        plain.setdefault("additionalProperties", {})
    return _with_items(plain, quirks) if quirks.arrays_with_items else plain


def _with_items(schema: Object, quirks: Quirks) -> Object:
    """`schema` with an object as `items` of every array in it."""
    result = dict(schema)
    if "items" in schema or schema.get("type") == "array":
        result["items"] = _plain(schema.get("items"), quirks)
    if "additionalProperties" in schema:
        result["additionalProperties"] = _plain(schema["additionalProperties"], quirks)
    if isinstance(listed := schema.get("properties"), dict):
        result["properties"] = {name: _plain(one, quirks) for name, one in listed.items()}
    return result


UNUSUAL: Object = {
    "a": {},
    "b": {"type": ["string", "null"]},
    "c": True,
    "d": {"type": "object"},
    "e": {"type": "array"},
    "f": {"type": "array", "items": True},
    "g": {"type": ["array", "null"]},
    "h": {"type": "null"},
}
UNUSUAL_PROBE = replace(PROBE, parameters={"type": "object", "properties": UNUSUAL}, json="")
ONE = Call(PROBE.name, {"probe": "one_asked"}, "probecall")
TWO = Call(PROBE.name, {"probe": "two_asked"}, "probemore")
ONE_CALLED = Turn(calls=(ONE,))
TWO_CALLED = Turn(calls=(ONE, TWO))
ONE_RESULT = Result("one_result", ONE.id)
TWO_RESULT = Result("two_result", TWO.id)
SYSTEM = Speech("system", "system_text")
MORE_SYSTEM = Speech("system", "system_added")
SAID = Turn("model_text")
ADDED = Turn("model_added")
ASKED = Speech("user", "user_asked")
SCHEMA_QUIRKS = ("one_type_per_property", "properties_described", "arrays_with_items")
ROLES = ("user_first", "alternating_roles")

TRIALS = (
    Trial((HELLO,), ("Hello",), ("empty_tools_list", "functions_as_text")),
    Trial((HELLO,), ("Hello",), SCHEMA_QUIRKS, UNUSUAL_PROBE),
    Trial((SYSTEM, HELLO), ("system_text",), ("system_in_user",)),
    Trial(
        (SYSTEM, HELLO, SAID, MORE_SYSTEM, ASKED),
        ("system_text", "system_added", "user_asked"),
        ("one_system_message", "system_in_user"),
    ),
    Trial(
        (HELLO, ONE_CALLED, ONE_RESULT),
        (PROBE.name, "one_asked", "one_result"),
        ("arguments_as_text", "results_as_text", "calls_as_text"),
    ),
    Trial(
        (HELLO, TWO_CALLED, ONE_RESULT, TWO_RESULT),
        ("one_asked", "two_asked", "one_result", "two_result"),
        ("alternating_roles", "one_call_per_turn"),
    ),
    Trial(
        (HELLO, replace(ONE_CALLED, reasoning="model_thought"), ONE_RESULT),
        ("model_thought",),
        ("reasoning_key_reasoning", "reasoning_key_thinking", "reasoning_as_content_part"),
        not_shown=("'thinking':", '"thinking":'),  # a content part that is written as a dict
    ),
    Trial((HELLO, ASKED), ("Hello", "user_asked"), ("alternating_roles",)),
    Trial((HELLO, SAID, ADDED, ASKED), ("model_text", "model_added"), ("alternating_roles",)),
    Trial((HELLO, ONE_CALLED, ASKED), ("one_asked", "user_asked"), ("alternating_roles",)),
    Trial(
        (HELLO, ONE_CALLED, ONE_RESULT, ASKED), ("one_result", "user_asked"), ("alternating_roles",)
    ),
    Trial((SAID, HELLO), ("model_text",), ROLES),
    Trial((SYSTEM, SAID, HELLO), ("system_text", "model_text"), ROLES),
    Trial((SYSTEM,), ("system_text",), ROLES),
    Trial((SAID,), ("model_text",), ROLES),
    Trial(
        (HELLO, ONE_RESULT, ASKED),
        ("one_result", "user_asked"),
        ("unpaired_results_as_text", *ROLES),
    ),
    Trial((ONE_RESULT, ASKED), ("one_result", "user_asked"), ("unpaired_results_as_text", *ROLES)),
    Trial(
        (HELLO, ONE_CALLED, ONE_RESULT, replace(ONE_RESULT, text="more_result")),
        ("one_result", "more_result"),
        ("unpaired_results_as_text",),
    ),
    Trial((HELLO, Turn(), ASKED), (), ("no_empty_turns", "alternating_roles")),
    Trial(
        (HELLO, replace(ONE_CALLED, text="model_text"), ONE_RESULT, ADDED),
        ("model_text", "one_asked", "model_added"),
        ("text_in_own_turn", "user_between_turns", "alternating_roles"),
    ),
    Trial(
        (HELLO, ONE_CALLED, ONE_RESULT, SAID, ASKED),
        ("one_asked", "one_result"),
        ("past_calls_as_text",),
    ),
    Trial((SYSTEM, HELLO, ONE_CALLED, ONE_RESULT), ("system_text",), ("system_in_user",)),
    Trial((HELLO, ONE_CALLED), ("one_asked",), ("user_last",)),
)
