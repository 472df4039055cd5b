"""Random tools, turns and splits, such as clients declare and models generate."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.format import (
    Arguments,
    AsJson,
    Elements,
    Format,
    Literals,
    Placeholder,
    Tagged,
)
from gateway.formats.markers import core
from gateway.parsing.expected_markers import ExpectedMarkers
from tests.depth import pick

LAW = settings(
    max_examples=pick(fast=4, deep=60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

IDS = st.text(string.ascii_letters + string.digits, min_size=9, max_size=9)

# Characters that JSON, Jinja and parsers treat specially. U+007F is left out: JSON allows it raw,
# but llguidance requires an escape. Private characters represent control tokens here.
TRAPS = [
    *("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "</think>", "</function>", "<"),
    *('"', "\\", '"}', '", "arguments": ', "{", "}]", "\n", "\r\n", " ", "\t", "\n\n", "\u2028"),
    *("</arg_value>", "<|close|>argument<|sep|>", '<|"|>', "<escape>", "]<]minimax[>[", "'", "\\'"),
    *("null", "true", "12", "NaN", "é", "日本", "😀", "\x00", "[", "; ", "<parameter=x>\n"),
]
LETTERS = st.text(
    st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\x7f"), max_size=6
)
TEXTS = st.lists(st.sampled_from(TRAPS) | LETTERS, max_size=4).map("".join)
KEYS = st.sampled_from(["city", "days", "properties", "format", "$ref", "enum", "type", "a b", "é"])


# -- tools


def schemas(depth: int = 2) -> st.SearchStrategy[Object]:
    leaf = st.one_of(
        st.just({"type": "string"}),
        st.just({"type": "string", "minLength": 1, "maxLength": 4}),
        st.just({"type": ["string", "null"]}),
        st.just({"type": "integer"}),
        st.just({"type": "integer", "minimum": -3, "maximum": 40}),
        st.just({"type": "number"}),
        st.just({"type": "number", "minimum": -1, "maximum": 2.5}),
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.lists(TEXTS, min_size=1, max_size=3).map(lambda values: {"enum": [*values]}),
        st.just({"enum": ["a", 1, None, {"a": [1]}]}),
        st.just({"const": "fixed"}),
    )
    if not depth:
        return leaf
    below = schemas(depth - 1)
    return st.one_of(
        leaf,
        objects(below),
        below.map(lambda items: {"type": "array", "items": items, "maxItems": 3}),
        st.lists(leaf, min_size=2, max_size=2).map(lambda branches: {"anyOf": [*branches]}),
    )


@st.composite
def objects(draw: st.DrawFn, below: st.SearchStrategy[Object]) -> Object:
    properties = draw(st.dictionaries(KEYS, below, max_size=3))
    required = [key for key in properties if draw(st.booleans())]
    return {"type": "object", "properties": {**properties}, "required": [*required]}


@st.composite
def toolsets(draw: st.DrawFn) -> list[Tool]:
    """One to three tools, whose names may differ only in `-` and `_`."""
    stem = draw(st.from_regex(r"[a-zA-Z0-9_.-]{1,8}", fullmatch=True))
    names = draw(st.permutations([stem, f"{stem}-x", f"{stem}_x", "get_time"]).map(lambda n: n[:3]))
    count = draw(st.integers(1, 3))
    parameters = objects(schemas())
    return [Tool(name, "Does it.", draw(parameters)) for name in dict.fromkeys(names[:count])]


# -- what the tools can be called with


def values(schema: Object) -> st.SearchStrategy[Json]:
    """Values that match `schema`, which is one of the above."""
    match schema:
        case {"enum": list(options)}:
            return st.sampled_from(options)
        case {"const": value}:
            return st.just(value)
        case {"anyOf": list(branches)}:
            return st.one_of([values(branch) for branch in branches if isinstance(branch, dict)])
        case {"type": list()}:
            return TEXTS | st.none()
        case {"type": "string", "maxLength": int() as most}:
            return TEXTS.map(lambda text: text[: int(most)] or "x")
        case {"type": "string"}:
            return TEXTS
        case {"type": "integer", "maximum": int() as most}:
            return st.integers(-3, most)
        case {"type": "integer"}:
            return st.integers()
        case {"type": "number", "maximum": float() as most}:
            # Between bounds llguidance spells numbers without an exponent.
            return st.integers(-4, int(most * 4)).map(lambda quarters: quarters / 4)
        case {"type": "number"}:
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers()
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case {"type": "array", "items": dict(items)}:
            return st.lists(values(items), max_size=3).map(lambda found: [*found])
    return arguments(schema).map(lambda found: found)


@st.composite
def arguments(draw: st.DrawFn, schema: Object) -> Object:
    """Arguments in the order of the schema, which the grammar enforces."""
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    found: Object = {}
    for key, inner in properties.items():
        if key in required or draw(st.booleans()):
            assert isinstance(inner, dict)
            found[key] = draw(values(inner))
    return found


@st.composite
def calls(draw: st.DrawFn, format: Format, tools: list[Tool]) -> Call:
    tool = draw(st.sampled_from(tools))
    found = draw(arguments(tool.parameters).filter(lambda a: is_written(format, tool, a)))
    if isinstance(format.arguments, Literals) and format.arguments.sorts_keys:
        found = by_key(found)
    return Call(tool.name, found, draw(IDS) if "$id" in format.call else "")


def by_key(value: Any) -> Any:
    """`value` with the keys of its objects sorted."""
    match value:
        case dict():
            return {key: by_key(value[key]) for key in sorted(value, key=str.lower)}
        case list():
            return [by_key(item) for item in value]
    return value


def is_written(format: Format, tool: Tool, found: Object) -> bool:
    """Whether `format` can write these arguments, unambiguously."""
    style, properties = format.arguments, tool.parameters["properties"]
    assert isinstance(properties, dict)
    texts = found.values() if isinstance(style, Tagged) else every_value(found)
    if any(isinstance(text, str) and closes_text(style, text) for text in texts):
        return False
    if isinstance(style, Elements) and any(inner in (None, {}, []) for inner in every_value(found)):
        return False
    if isinstance(style, AsJson | Literals) or (isinstance(style, Tagged) and style.types):
        return True
    return not any(
        isinstance(value, str) and reads_as_json(value, properties[key])
        for key, value in found.items()
    )


def closes_text(style: Arguments, text: str) -> bool:
    """Whether `text` contains what ends a string in `style`, and can't be escaped."""
    match style:
        case Tagged():
            close = core(str(style.parts[style.parts.index(Placeholder.VALUE) + 1]))
            ends = (close, style.wrap[1]) if style.wrap and style.needs_wrap(text) else (close,)
            return all(end in text for end in ends)
        case Elements(element=element):
            return element.partition("<$key>")[0] in text
        case Literals(has_escapes=False, quotes=(_, closed)):
            return closed in text
    return False


def every_value(value: Json) -> Iterator[Json]:
    """All values inside `value`."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield item
        yield from every_value(item)


def reads_as_json(raw: str, schema: Json) -> bool:
    """Whether a raw string could be read as another value that matches `schema`."""
    assert isinstance(schema, dict)
    others: Object = {"not": {"type": "string"}}
    if raw[:1] in ("{", "[") and ("anyOf" in schema or "enum" in schema):
        return True
    try:
        return is_valid({"allOf": [schema, others]}, json.loads(raw))
    except ValueError:
        return False


def is_valid(schema: Object, value: Json) -> bool:
    return Draft202012Validator(schema, registry=Registry()).is_valid(value)


# -- turns


@st.composite
def plain_text(draw: st.DrawFn, format: Format) -> str:
    """Text without markers of the family in it or next to it."""
    markers = ExpectedMarkers(format, calls=True, loose=True)
    own = [*markers.at_start, *(close for close, _ in markers.sections.values() if close)]
    own += [piece for mark in own for piece in re.findall(r"<[^<>\s]+>", mark)]
    text = draw(TEXTS.map(str.strip))
    while any(mark in text for mark in own):
        for mark in own:
            text = text.replace(mark, "").strip()
    return re.sub(r"[\s>]+$", "", text) if not format.calls_exclude_text else text.lstrip("{[ \n")


@st.composite
def turns(
    draw: st.DrawFn, format: Format, tools: list[Tool], min_calls: int = 0, *, thinks: bool = False
) -> Turn:
    """Turns with at least `min_calls` calls, and with reasoning if it `thinks`."""
    max_calls = 1 if format.single_call else 3
    found = draw(st.lists(calls(format, tools), min_size=min_calls, max_size=max_calls))
    text = draw(plain_text(format)) if not format.calls_exclude_text or not found else ""
    if format.content[0] and not found:
        text = text or "Yes."  # text with markers of its own can't be empty
    reasoning = draw(plain_text(format)) if format.think else ""
    if thinks:
        reasoning = reasoning or "So."
    return Turn(text, reasoning, tuple(found))


@st.composite
def scenes(
    draw: st.DrawFn, format: Format, min_calls: int = 0, *, thinks: bool = False
) -> tuple[list[Tool], Turn]:
    """The tools of a request, and a turn that may answer it."""
    tools = draw(toolsets())
    return tools, draw(turns(format, tools, min_calls, thinks=thinks))


@st.composite
def cuts(draw: st.DrawFn, text: str) -> list[str]:
    """`text` in pieces: as a whole, in single characters, or split at random."""
    ends = draw(st.sets(st.integers(0, len(text)), max_size=8))
    how = draw(st.sampled_from(["whole", "characters", "anywhere"]))
    if how != "anywhere":
        return [text] if how == "whole" else list(text)
    at = [0, *sorted(ends), len(text)]
    return [text[start:end] for start, end in pairwise(at)]


def without_ids(turn: Turn) -> Turn:
    return replace(turn, calls=tuple(replace(call, id="") for call in turn.calls))
