"""JSON Schemas and grammars that are expensive to check, to translate or to compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.attack.attack import chat

Schema = dict[str, Any]

REFUSED = "400 schema_too_complex"
ANSWERED_OR_REFUSED = f"200, {REFUSED}"
WRONG = "400 invalid_request_error"


def _tool(schema: Schema) -> dict[str, Any]:
    function = {"name": "go", "parameters": schema}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}


def _answer(schema: Schema) -> dict[str, Any]:
    held = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return {"response_format": held}


def _held(write: Callable[..., Schema], *arguments: Any) -> Callable[[], dict[str, Any]]:
    """Writes an answer that is held to the schema that `write` returns for `arguments`."""
    return lambda: _answer(write(*arguments))


def _object(properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, **more}


def _property(schema: Schema) -> Schema:
    return _object({"a": schema}, required=["a"])


def _types(count: int) -> Schema:
    """Types as JSON Schema's draft 3 had them, where each may be a schema."""
    draft = "http://json-schema.org/draft-03/schema#"
    return {"$schema": draft, "type": "object", "properties": {"a": {"type": [{}] * count}}}


def _branches(branches: int, values: int) -> Schema:
    one_of = [{"enum": [f"{i}.{j}" for j in range(values)]} for i in range(branches)]
    return _property({"oneOf": one_of})


def _dependent(count: int) -> Schema:
    dependent = {f"p{i}": [f"p{i + 1}"] for i in range(count)}
    properties = {f"p{i}": {"type": "string"} for i in range(count)}
    return _object(properties, **{"$id": "https://a.example/b", "dependentRequired": dependent})


def _doubling(depth: int) -> Schema:
    """Definitions each of which refers to the next one twice."""
    definitions: Schema = {
        f"d{i}": _object({name: {"$ref": f"#/$defs/d{i + 1}"} for name in "ab"})
        for i in range(depth)
    }
    return {"$defs": {**definitions, f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


def _patterns(count: int) -> Schema:
    patterns = {f"^abcdef{i}[a-z]*$": {"type": "string"} for i in range(count)}
    return {"type": "object", "patternProperties": patterns}


def _properties(count: int) -> Schema:
    names = [f"property_{i}" for i in range(count)]
    return _object({name: {"type": "string"} for name in names}, required=names)


def _pattern(pattern: str) -> Schema:
    return _property({"type": "string", "pattern": pattern})


def _custom(syntax: str, definition: str) -> dict[str, Any]:
    grammar = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
    return {"tools": [{"type": "custom", "custom": {"name": "go", "format": grammar}}]}


SCHEMAS = (
    chat("`type` of 1,455 schemas", ANSWERED_OR_REFUSED, _held(_types, 1455)),
    chat("`type` of 12,000 schemas", REFUSED, _held(_types, 12_000)),
    chat("64 branches of 1,300 values", REFUSED, _held(_branches, 64, 1300)),
    chat("15,000 dependent properties", REFUSED, _held(_dependent, 15_000)),
    chat("references that double 40 times", ANSWERED_OR_REFUSED, _held(_doubling, 40)),
    chat(
        "`allOf` of 5,000 schemas",
        ANSWERED_OR_REFUSED,
        lambda: _answer(_property({"allOf": [{"minLength": i} for i in range(5000)]})),
    ),
    chat(
        "`enum` of 80,000 values",
        REFUSED,
        lambda: _answer(_property({"enum": [f"v{i}" for i in range(80_000)]})),
    ),
    chat(
        "`enum` of 20,000 objects",
        REFUSED,
        lambda: _answer({"enum": [{"a": i, "b": [i]} for i in range(20_000)]}),
    ),
    chat("400 patterns of properties", ANSWERED_OR_REFUSED, _held(_patterns, 400)),
    chat("2,000 patterns of properties", REFUSED, _held(_patterns, 2000)),
    chat("10,000 properties", ANSWERED_OR_REFUSED, _held(_properties, 10_000)),
    chat("15,000 properties", REFUSED, _held(_properties, 15_000)),
    chat(
        "512 tools of 100 properties",
        f"{ANSWERED_OR_REFUSED}, {WRONG}, 400 context_length_exceeded",
        lambda: {
            "tools": [
                {"type": "function", "function": {"name": f"t{i}", "parameters": _properties(100)}}
                for i in range(512)
            ]
        },
    ),
    *(
        chat(
            f"`pattern: {pattern}`",
            ANSWERED_OR_REFUSED,
            _held(_pattern, pattern),
        )
        for pattern in ("(a{1,1000}){1,1000}", "^(a+)+$", "^(.{0,200}b){200}$", "^(?=a)(aa?)+$")
    ),
    chat(
        "lengths of a billion",
        ANSWERED_OR_REFUSED,
        lambda: _tool(
            _object(
                {
                    "a": {"type": "string", "minLength": 10**9},
                    "b": {"type": "array", "minItems": 10**9, "uniqueItems": True},
                },
                required=["a", "b"],
            )
        ),
    ),
    chat(
        "a Lark grammar of 20,000 rules",  # which is in the prompt too
        f"{ANSWERED_OR_REFUSED}, {WRONG}, 400 context_length_exceeded",
        lambda: _custom(
            "lark", "start: r0\n" + "".join(f'r{i}: "a" r{i + 1} | "b"\n' for i in range(20_000))
        ),
    ),
    chat(
        "a Lark grammar of nested repetitions",
        f"{ANSWERED_OR_REFUSED}, {WRONG}",
        lambda: _custom("lark", "start: " + "(" * 60 + '"a"' + "){0,1000}" * 60),
    ),
    chat(
        "a regular expression of nested repetitions",
        f"{ANSWERED_OR_REFUSED}, {WRONG}",
        lambda: _custom("regex", "(" * 30 + "a" + "){0,1000}" * 30),
    ),
)
