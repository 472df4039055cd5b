"""Finds faults in a tool of the catalogue that the form check cannot see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jsonschema import Draft202012Validator

from gateway.chat.json import Json
from training.data import outcome_fault
from training.data.phrase import Phrase, brace_faults, name, names
from training.data.schema import schema_of
from training.data.tool import Ask, Exchange, Parameter, Tool
from training.data.values import Choice, Listed, Values

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def faults(tool: Tool) -> Iterator[str]:
    for path, leaf in tool.leaves.items():
        yield from (f"parameter {name(path)}: {fault}" for fault in _of_parameter(leaf))
    for one in (*tool.asks, *tool.two):
        yield from (f"ask '{one.phrase}': {fault}" for fault in _of_ask(one, tool))
    for one in tool.two:
        if {slot.turn for slot in one.phrase.slots} < {1, 2}:
            yield f"two '{one.phrase}': it needs slots for both calls, as {{x.1}} and {{x.2}}"
    for exchange in tool.lacking:
        yield from (f"lacking '{exchange.wording}': {f}" for f in _of_lacking(exchange, tool))
    if tool.required and not tool.lacking:
        yield "a tool with required parameters needs `lacking`"
    yield from outcome_fault.faults(tool)


# -- parameters


def _of_parameter(leaf: Parameter) -> Iterator[str]:
    if leaf.name == "result":
        yield "the name `result` is reserved for the result of the tool"
    if leaf.type == "object":
        yield from _of_object(leaf)
    elif leaf.type == "array":
        if leaf.items is None:
            yield "an array needs `items`"
        else:
            yield from _of_parameter(leaf.items)
    elif leaf.values is None:
        wanted = "said: {true: [...], false: [...]}" if leaf.type == "boolean" else "`values`"
        if leaf.type != "boolean" or not leaf.optional:
            yield f"it has no {wanted}"
    else:
        yield from _of_values(leaf, leaf.values)


def _of_object(leaf: Parameter) -> Iterator[str]:
    """Faults of an object that has no properties or is an item of an array."""
    if not leaf.properties:
        yield "an object needs `properties`"
    for inner in leaf.properties:
        yield from _of_parameter(inner)
    required = {(one.name,) for one in leaf.properties if not one.optional}
    for way in leaf.ways:
        if lacking := required - way.paths:
            yield f"way '{way}': it does not contain {names(lacking)}"
    if leaf.properties and not leaf.ways:
        yield "an object in an array needs `ways` to say it"


def _of_values(leaf: Parameter, values: Values) -> Iterator[str]:
    if not isinstance(values, Listed):
        if leaf.type not in ("integer", "number"):
            yield f"a range needs a numeric type, not {leaf.type}"
        elif leaf.type == "integer" and not (values.first.is_integer() and values.step == 1):
            yield "a range of an integer must contain integers only"
        return
    choices = [choice for ways in values.ways for choice in ways]
    for choice in choices:
        if not _is_a(choice.value, leaf.type):
            yield f"{choice.value!r} is not of type {leaf.type}"
        if not choice.wording.strip() or choice.wording != choice.wording.strip():
            yield f"{choice.wording!r} is empty or has surrounding white space"
    yield from _twice(choices)


def _twice(choices: list[Choice]) -> Iterator[str]:
    seen: dict[str, Json] = {}
    for choice in choices:
        first = seen.setdefault(choice.wording.lower(), choice.value)
        if choice.value != first and not choice.copied:
            yield f"{choice.wording!r} is used for two values"
    for wording, count in Counter(choice.wording for choice in choices).items():
        if count > 1:
            yield f"{wording!r} is used twice"


def _is_a(value: Json, type: str) -> bool:
    return isinstance(value, TYPES[type]) and (type == "boolean" or not isinstance(value, bool))


# -- requests


def _of_ask(ask: Ask, tool: Tool) -> Iterator[str]:
    yield from _of_slots(ask.phrase, tool)
    if lacking := tool.required - ask.paths:
        yield f"it neither contains nor implies {names(lacking)}"
    if both := ask.phrase.paths & ask.implied_paths:
        yield f"it both contains and implies {names(both)}"
    for error in Draft202012Validator(schema_of(tool.parameters)).iter_errors(ask.implied):
        if error.validator != "required":
            yield f"with: {error.message}"
    for path in ask.implied_paths:
        value = ask.implies(path)
        if (leaf := tool.leaves.get(path)) is None:
            yield f"with: {name(path)} is not a parameter"
        elif _is_free(leaf) and isinstance(value, str) and value not in ask.phrase.text:
            yield f"with: {value!r} is not a value of {name(path)}"


def _of_lacking(exchange: Exchange, tool: Tool) -> Iterator[str]:
    yield from _of_slots(exchange.wording, tool)
    yield from _of_slots(exchange.answer, tool)
    if tool.required <= exchange.wording.paths:
        yield "no required value is missing"
    if unsaid := exchange.answer.paths - exchange.wording.paths:
        yield f"the answer contains {names(unsaid)}, which the request does not"


def _is_free(leaf: Parameter) -> bool:
    """Whether the value of the parameter must be copied from the request."""
    values = leaf.values
    return not leaf.enum and isinstance(values, Listed) and all(w[0].copied for w in values.ways)


def _of_slots(phrase: Phrase, tool: Tool) -> Iterator[str]:
    leaves = tool.leaves
    yield from brace_faults(phrase)
    for path in phrase.paths:
        if path not in leaves:
            yield f"{{{name(path)}}} is not a parameter; valid are {names(leaves)}"
        elif leaves[path].type == "boolean" and leaves[path].values is None:
            yield f"{{{name(path)}}} is a boolean without `said`"
