"""What is wrong with a tool of the catalogue whose form is right."""

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
            yield f"two '{one.phrase}': slots for both calls are wanted, as {{x.1}} and {{x.2}}"
    for exchange in tool.lacking:
        yield from (f"lacking '{exchange.said}': {f}" for f in _of_lacking(exchange, tool))
    if tool.required and not tool.lacking:
        yield "something is required, so there should be a `lacking`"
    yield from outcome_fault.faults(tool)


# -- parameters


def _of_parameter(leaf: Parameter) -> Iterator[str]:
    if leaf.name == "result":
        yield "{result.x} means what the tool returned: take another name"
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
    """What can't be said part by part, since it has no parts or is one of several."""
    if not leaf.properties:
        yield "an object needs `properties`"
    for inner in leaf.properties:
        yield from _of_parameter(inner)
    required = {(one.name,) for one in leaf.properties if not one.optional}
    for way in leaf.ways:
        if lacking := required - way.paths:
            yield f"way '{way}': it lacks {names(lacking)}"
    if leaf.properties and not leaf.ways:
        yield "an object in an array needs `ways` to say it"


def _of_values(leaf: Parameter, values: Values) -> Iterator[str]:
    if not isinstance(values, Listed):
        if leaf.type not in ("integer", "number"):
            yield f"a range of numbers, but its type is {leaf.type}"
        elif leaf.type == "integer" and not (values.first.is_integer() and values.step == 1):
            yield "an integer's range has other numbers in it"
        return
    choices = [choice for ways in values.ways for choice in ways]
    for choice in choices:
        if not _is_a(choice.value, leaf.type):
            yield f"{choice.value!r} is no {leaf.type}"
        if not choice.said.strip() or choice.said != choice.said.strip():
            yield f"{choice.said!r} is empty or has blanks around it"
    yield from _twice(choices)


def _twice(choices: list[Choice]) -> Iterator[str]:
    seen: dict[str, Json] = {}
    for choice in choices:
        first = seen.setdefault(choice.said.lower(), choice.value)
        if choice.value != first and not choice.copied:
            yield f"{choice.said!r} is said for two values"
    for said, count in Counter(choice.said for choice in choices).items():
        if count > 1:
            yield f"{said!r} is there twice"


def _is_a(value: Json, type: str) -> bool:
    return isinstance(value, TYPES[type]) and (type == "boolean" or not isinstance(value, bool))


# -- requests


def _of_ask(ask: Ask, tool: Tool) -> Iterator[str]:
    yield from _of_slots(ask.phrase, tool)
    if lacking := tool.required - ask.paths:
        yield f"it neither names nor implies {names(lacking)}"
    if both := ask.phrase.paths & ask.implied_paths:
        yield f"it names and implies {names(both)}"
    for error in Draft202012Validator(schema_of(tool.parameters)).iter_errors(ask.implied):
        if error.validator != "required":
            yield f"with: {error.message}"
    for path in ask.implied_paths:
        value = ask.implies(path)
        if (leaf := tool.leaves.get(path)) is None:
            yield f"with: {name(path)} is no parameter"
        elif _is_free(leaf) and isinstance(value, str) and value not in ask.phrase.text:
            yield f"with: nobody says {value!r}, which {name(path)} isn't bound to"


def _of_lacking(exchange: Exchange, tool: Tool) -> Iterator[str]:
    yield from _of_slots(exchange.said, tool)
    yield from _of_slots(exchange.answer, tool)
    if tool.required <= exchange.said.paths:
        yield "nothing is lacking"
    if unsaid := exchange.answer.paths - exchange.said.paths:
        yield f"the answer speaks of {names(unsaid)}, which nobody said"


def _is_free(leaf: Parameter) -> bool:
    """Whether what is passed must have been said."""
    values = leaf.values
    return not leaf.enum and isinstance(values, Listed) and all(w[0].copied for w in values.ways)


def _of_slots(phrase: Phrase, tool: Tool) -> Iterator[str]:
    leaves = tool.leaves
    yield from brace_faults(phrase)
    for path in phrase.paths:
        if path not in leaves:
            yield f"{{{name(path)}}} is no parameter; there are {names(leaves)}"
        elif leaves[path].type == "boolean" and leaves[path].values is None:
            yield f"{{{name(path)}}} is a boolean without `said`"
