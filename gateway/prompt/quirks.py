"""What a chat template demands that most do not, found by trying, and how it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.format import Format
from gateway.prompt import rewrites as fitting


@dataclass(frozen=True, slots=True)
class Needs:
    """Each field is a demand, and what is done about it."""

    tools_listed: bool = False  # an empty list of tools, not None
    functions_as_text: bool = False  # tools in a variable `functions`, as JSON text
    one_type_each: bool = False  # of the properties of a tool
    all_described: bool = False  # likewise
    arguments_as_text: bool = False
    reasoning_as_reasoning: bool = False  # under the key `reasoning`
    reasoning_as_thinking: bool = False  # under the key `thinking`
    reasoning_as_part: bool = False  # of the content
    orphans_as_text: bool = False
    results_as_text: bool = False
    calls_as_text: bool = False
    text_apart: bool = False
    text_answered: bool = False
    one_call_a_turn: bool = False
    past_calls_as_text: bool = False  # those before the last user message
    no_empty_turn: bool = False
    one_system_text: bool = False
    user_first: bool = False
    user_last: bool = False  # after calls without results
    system_in_user: bool = False
    alternating: bool = False

    def __str__(self) -> str:
        found = [name.replace("_", " ") for name in self.__slots__ if getattr(self, name)]
        return ", ".join(found)


def fitted(messages: Sequence[Message], needs: Needs, format: Format) -> list[Message]:
    """Arranged messages as a template with these needs can bear them."""
    for name, fit in _fittings(partial(_written, format)).items():
        if getattr(needs, name):
            messages = fit(messages)
    return list(messages)


def fitted_tool(tool: Tool, needs: Needs) -> Tool:
    properties = tool.parameters.get("properties")
    if not (needs.one_type_each or needs.all_described) or not isinstance(properties, dict):
        return tool
    plain: Object = {name: _plain(schema, needs) for name, schema in properties.items()}
    return replace(tool, parameters=tool.parameters | {"properties": plain})


HELLO = Speech("user", "Hello")
PROBE = Tool("probe_tool_name", "A probe.", {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class Trial:
    """A conversation, the words that its prompt must show, and what may help where it does not.

    `unshown` are words that tell of a cure that did not work.
    """

    messages: tuple[Message, ...]
    shown: tuple[str, ...]
    cures: tuple[str, ...] = ()
    tool: Tool = PROBE
    unshown: tuple[str, ...] = ()

    def remedies(self) -> Iterator[dict[str, bool]]:
        """Nothing, then each cure alone, then two together, and so on."""
        for count in range(len(self.cures) + 1):
            for names in combinations(self.cures, count):
                yield dict.fromkeys(names, True)


def found(writes: Callable[[Trial, Needs], bool]) -> Needs:
    """The needs with which all trials can be written, or as many of them as can be."""
    needs = Needs()
    for trial in TRIALS:
        tried = (replace(needs, **remedy) for remedy in trial.remedies())
        works = (more for more in tried if writes(trial, more))
        needs = next(works, needs)
    return needs


def _fittings(
    write: Callable[[Turn], str],
) -> dict[str, Callable[[Sequence[Message]], list[Message]]]:
    """In the order in which messages go through them."""
    return {
        "orphans_as_text": fitting.orphans_as_text,
        "text_apart": fitting.text_apart,
        "text_answered": fitting.text_answered,
        "one_call_a_turn": fitting.one_call_a_turn,
        "past_calls_as_text": partial(fitting.past_calls_as_text, write),
        "calls_as_text": partial(fitting.calls_as_text, write),
        "results_as_text": fitting.results_as_text,
        "no_empty_turn": fitting.no_empty_turn,
        "one_system_text": fitting.one_system_text,
        "user_first": fitting.user_first,
        "user_last": fitting.user_last,
        "system_in_user": fitting.system_in_user,
        "alternating": fitting.alternating,
    }


def _written(format: Format, reply: Turn) -> str:
    return encode(format, reply)


def _plain(schema: Json, needs: Needs) -> Object:
    """A property's schema in which there is what templates look for unasked."""
    plain: Object = dict(schema) if isinstance(schema, dict) else {}
    if isinstance(types := plain.get("type"), list):
        plain["type"] = next((type for type in types if type != "null"), "null")
    if needs.all_described:
        plain.setdefault("description", "")
    if needs.all_described and plain.get("type") == "object":
        plain.setdefault("additionalProperties", {})
    return plain


ODD: Object = {"a": {}, "b": {"type": ["string", "null"]}, "c": True, "d": {"type": "object"}}
ODD_PROBE = replace(PROBE, parameters={"type": "object", "properties": ODD})
ONE = Call(PROBE.name, {"probe": "one_asked"}, "probecall")
TWO = Call(PROBE.name, {"probe": "two_asked"}, "probemore")
ONE_CALLED = Turn(calls=(ONE,))
TWO_CALLED = Turn(calls=(ONE, TWO))
ONE_GAVE = Result("one_gave", ONE.id)
TWO_GAVE = Result("two_gave", TWO.id)
SYSTEM = Speech("system", "system_said")
MORE = Speech("system", "system_added")
SAID = Turn("model_said")
ADDED = Turn("model_added")
ASKED = Speech("user", "user_asked")
ROLES = ("user_first", "alternating")

TRIALS = (
    Trial((HELLO,), ("Hello",), ("tools_listed", "functions_as_text")),
    Trial((HELLO,), ("Hello",), ("one_type_each", "all_described"), ODD_PROBE),
    Trial((SYSTEM, HELLO), ("system_said",), ("system_in_user",)),
    Trial(
        (SYSTEM, HELLO, SAID, MORE, ASKED),
        ("system_said", "system_added", "user_asked"),
        ("one_system_text", "system_in_user"),
    ),
    Trial(
        (HELLO, ONE_CALLED, ONE_GAVE),
        (PROBE.name, "one_asked", "one_gave"),
        ("arguments_as_text", "results_as_text", "calls_as_text"),
    ),
    Trial(
        (HELLO, TWO_CALLED, ONE_GAVE, TWO_GAVE),
        ("one_asked", "two_asked", "one_gave", "two_gave"),
        ("alternating", "one_call_a_turn"),
    ),
    Trial(
        (HELLO, replace(ONE_CALLED, reasoning="model_thought"), ONE_GAVE),
        ("model_thought",),
        ("reasoning_as_reasoning", "reasoning_as_thinking", "reasoning_as_part"),
        unshown=("'thinking':", '"thinking":'),  # a part that is written as it came
    ),
    Trial((HELLO, ASKED), ("Hello", "user_asked"), ("alternating",)),
    Trial((HELLO, SAID, ADDED, ASKED), ("model_said", "model_added"), ("alternating",)),
    Trial((HELLO, ONE_CALLED, ASKED), ("one_asked", "user_asked"), ("alternating",)),
    Trial((HELLO, ONE_CALLED, ONE_GAVE, ASKED), ("one_gave", "user_asked"), ("alternating",)),
    Trial((SAID, HELLO), ("model_said",), ROLES),
    Trial((SYSTEM, SAID, HELLO), ("system_said", "model_said"), ROLES),
    Trial((SYSTEM,), ("system_said",), ROLES),
    Trial((SAID,), ("model_said",), ROLES),
    Trial((HELLO, ONE_GAVE, ASKED), ("one_gave", "user_asked"), ("orphans_as_text", *ROLES)),
    Trial((ONE_GAVE, ASKED), ("one_gave", "user_asked"), ("orphans_as_text", *ROLES)),
    Trial(
        (HELLO, ONE_CALLED, ONE_GAVE, replace(ONE_GAVE, text="gave_more")),
        ("one_gave", "gave_more"),
        ("orphans_as_text",),
    ),
    Trial((HELLO, Turn(), ASKED), (), ("no_empty_turn", "alternating")),
    Trial(
        (HELLO, replace(ONE_CALLED, text="model_said"), ONE_GAVE, ADDED),
        ("model_said", "one_asked", "model_added"),
        ("text_apart", "text_answered", "alternating"),
    ),
    Trial(
        (HELLO, ONE_CALLED, ONE_GAVE, SAID, ASKED),
        ("one_asked", "one_gave"),
        ("past_calls_as_text",),
    ),
    Trial((SYSTEM, HELLO, ONE_CALLED, ONE_GAVE), ("system_said",), ("system_in_user",)),
    Trial((HELLO, ONE_CALLED), ("one_asked",), ("user_last",)),
)
