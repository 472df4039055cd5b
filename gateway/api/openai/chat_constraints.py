"""Fields of other servers that hold an answer to a form.

A JSON Schema in one of them means what it means in `response_format`. Regular expressions and
grammars are refused.

Sources: https://docs.vllm.ai/en/latest/features/structured_outputs.html,
https://docs.sglang.ai/advanced_features/structured_outputs.html,
https://huggingface.co/docs/text-generation-inference/guidance and llama.cpp's
tools/server/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from pydantic import Field

from gateway.api.body import Body, decoded
from gateway.api.tools import checked_schema
from gateway.chat.json import Object
from gateway.config.limits import Limits
from gateway.errors import BadRequest

NOT_JSON = ("guided_regex", "guided_choice", "guided_grammar", "regex", "ebnf", "structural_tag")
CONSTRAINTS = ("guided_json", "json_schema", "structured_outputs", "grammar", *NOT_JSON)
JSON_ONLY = "an answer can be held to a JSON Schema only; use `response_format`"

Schema: TypeAlias = dict[str, Any] | str  # or its JSON text


class StructuredOutputs(Body):
    """vLLM's constraint."""

    schema_: Annotated[Schema | None, Field(alias="json")] = None
    json_object: bool | None = None
    regex: Any = None
    choice: Any = None
    grammar: Any = None
    structural_tag: Any = None


class JsonGrammar(Body):
    """TGI's constraint."""

    type: Literal["json", "json_object", "json_schema"]
    value: Schema


class ConstraintFields(Body):
    """The fields that a body may have."""

    guided_json: Schema | None = None  # vLLM's former name
    json_schema: Schema | None = None  # llama-server, SGLang
    structured_outputs: StructuredOutputs | None = None
    grammar: JsonGrammar | str | None = None  # a text is llama-server's, in GBNF


def constraint_schema(
    body: ConstraintFields, response_schema: Object | None, limits: Limits = Limits()
) -> Object | None:
    """Returns the JSON Schema of an answer; `response_schema` is that of `response_format`.

    Raises BadRequest for two constraints, for one that is no JSON Schema, and for an invalid one.
    """
    found = dict(_constraints(body))
    if len(found) + (response_schema is not None) > 1:
        names = [*found, *(["response_format"] if response_schema is not None else [])]
        raise BadRequest(f"{' and '.join(names)} both hold the answer to a form", param=names[0])
    for field, schema in found.items():
        return checked_schema(_decoded(schema, field), field, limits)
    return response_schema


def _constraints(body: ConstraintFields) -> Iterator[tuple[str, Schema]]:
    """The fields that have a schema, with it."""
    if body.guided_json is not None:
        yield "guided_json", body.guided_json
    if body.json_schema is not None:
        yield "json_schema", body.json_schema
    match body.grammar:
        case str():
            raise BadRequest(f"'grammar' is not supported: {JSON_ONLY}", param="grammar")
        case JsonGrammar(value=schema):
            yield "grammar.value", schema
    if body.structured_outputs is not None:
        yield from _of_vllm(body.structured_outputs)


def _of_vllm(outputs: StructuredOutputs) -> Iterator[tuple[str, Schema]]:
    for name in ("regex", "choice", "grammar", "structural_tag"):
        if getattr(outputs, name) is not None:
            where = f"structured_outputs.{name}"
            raise BadRequest(f"{where!r} is not supported: {JSON_ONLY}", param=where)
    if outputs.schema_ is not None:
        yield "structured_outputs.json", outputs.schema_
    elif outputs.json_object:
        yield "structured_outputs.json_object", {"type": "object"}


def _decoded(schema: Schema, field: str) -> Object:
    if isinstance(schema, dict):
        return schema
    try:
        return msgspec.convert(decoded(schema), dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(f"{field}: it is no JSON Schema as text: {error}", param=field) from error
