"""Tools, tool choice and response format -> what the model may write."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.errors import BadRequest
from gateway.request import Request
from gateway.turns import Json, Tool
from gateway.wire.format import Format
from gateway.wire.grammar import ANSWER_RULE, arguments_rule, grammar


def constraint(
    request: Request, format: Format, begun: str, special: Mapping[str, int]
) -> str | None:
    """The grammar of the answer, or None if anything may be written."""
    if not request.tools and request.answer is None:
        return None
    return grammar(
        format,
        callable_tools(request),
        required=request.choice.required,
        parallel=request.choice.parallel,
        answer=request.answer,
        begun=begun,
        special=special,
    )


def callable_tools(request: Request) -> list[Tool]:
    """The tools that may be called; the model is shown all of them."""
    return [tool for tool in request.tools if tool.name in request.choice.names]


def explain(refusal: BadRequest, request: Request) -> BadRequest:
    """Say of a grammar that llguidance refuses which schema is at fault, and where."""
    reason = refusal.message.partition("JSON schema: ")[2].partition("\n")[0]
    line = refusal.message.removeprefix("at ").partition("(")[0]
    rule = re.search(rf"^ *{line} \| (\w+): %json", refusal.message, re.MULTILINE)
    if not (reason and rule):
        return refusal
    schemas = {ANSWER_RULE: ("response_format", request.answer)}
    for i, tool in enumerate(callable_tools(request)):
        schemas[arguments_rule(i)] = (f"the parameters of tool {tool.name!r}", tool.parameters)
    owner = next((own for own in schemas if rule.group(1).startswith(own)), "")
    what, schema = schemas.get(owner, ("a schema", None))
    wrong = re.search(r'\["([^"]+)"', reason)
    where = _pointer(schema, wrong.group(1)) if wrong else None
    return BadRequest(
        f"{what} can't be held to{f' at {where}' if where else ''}: {reason}",
        param="response_format" if owner == ANSWER_RULE else "tools",
        code=refusal.code,
    )


def _pointer(schema: Json, key: str) -> str | None:
    """A JSON pointer to the first place where `schema` has `key`."""
    if isinstance(schema, dict) and key in schema:
        return f"#/{key}"
    items = schema.items() if isinstance(schema, dict) else ()
    pairs = enumerate(schema) if isinstance(schema, list) else items
    for step, inner in pairs:
        if found := _pointer(inner, key):
            return f"#/{step}{found[1:]}"
    return None
