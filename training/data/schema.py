"""The JSON Schema of a tool's parameters."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.chat.json import Object
from training.data.tool import Parameter


def schema_of(parameters: Sequence[Parameter]) -> Object:
    """The schema of an object; `required` is omitted if it is empty."""
    schema: Object = {"type": "object"}
    schema["properties"] = {one.name: _of(one) for one in parameters}
    if required := [one.name for one in parameters if not one.optional]:
        schema["required"] = [*required]
    return schema


def _of(parameter: Parameter) -> Object:
    schema: Object = {"type": parameter.type}
    if parameter.properties:
        schema = schema_of(parameter.properties)
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.enum:
        schema["enum"] = [*parameter.enum]
    if parameter.items is not None:
        schema["items"] = _of(parameter.items)
    return schema
