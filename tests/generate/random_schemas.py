"""Random JSON Schemas, as tools declare them, each with a value that is valid under it.

What tools rarely declare is rare here too: of a thousand schemas, about five have `uniqueItems` or
`contains`, which no grammar expresses.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Schema: TypeAlias = Any
Pair: TypeAlias = tuple[Schema, Any]  # a schema, and a value that is valid under it

MAX_DEPTH = 3
KEYS = (
    *("city", "days", "unit", "query", "path", "id", "type", "name", "items", "properties"),
    *("value", "a b", "x-y", "é", "from", "$ref", "filter", "limit"),
)
WORDS = (
    *("red", "green", "it's", "two words", "ünïcode", "a/b", "", "null", "12"),
    *('"quoted"', "<b>"),
)
PATTERNS = {
    "^[a-z]+$": "abc",
    "^[A-Z]{2}[0-9]{4}$": "AB1234",
    "^#[0-9a-f]{6}$": "#00ff00",
    "^(yes|no)$": "yes",
    "[0-9]": "a1",
    r"^\d+(\.\d+)?$": "1.5",
    r"^\w+@\w+$": "a@b",
    "^[^/]+$": "é x",
    r"^\p{L}+$": "é",
}
FORMATS = {
    "date": "2024-05-06",
    "time": "07:08:09Z",
    "date-time": "2024-05-06T07:08:09Z",
    "email": "a@b.example",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "uri": "https://a.example/b",
    "ipv4": "10.0.0.1",
    "ipv6": "::1",
    "hostname": "a.example",
    "duration": "P1D",
    "int32": "anything",
    "password": "anything",
}


class Draws:
    """Draws one schema, the same for a `seed`."""

    def __init__(self, seed: int):
        self._chance = random.Random(seed)
        self._definitions: dict[str, Pair] = {}

    def parameters(self) -> Pair:
        """The parameters of a tool, and arguments for it."""
        schema, value = self._chance.choice([self._object] * 8 + [self._union_of_objects])(0)
        if self._maybe(0.1):
            schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        if self._definitions:
            schema["$defs"] = {name: one for name, (one, _) in self._definitions.items()}
        return schema, value

    def _schema(self, depth: int) -> Pair:
        plain = [self._string] * 5 + [self._number] * 3 + [self._boolean, self._enum, self._const]
        nested = [self._array] * 3 + [self._object] * 3 + [self._nullable] * 2
        nested += [self._any_of, self._one_of, self._all_of, self._reference, self._types]
        nested += [self._any]
        draw = self._chance.choice(plain + nested if depth < MAX_DEPTH else plain)
        schema, value = draw(depth)
        if isinstance(schema, dict) and self._maybe(0.3):
            schema = {**schema, "description": "What it is.", "title": "It", "default": value}
        return schema, value

    def _some(self, values: Sequence[Any], most: int) -> list[Any]:
        return self._chance.sample(values, self._chance.randint(0, min(most, len(values))))

    def _maybe(self, likelihood: float = 0.5) -> bool:
        return self._chance.random() < likelihood

    # -- values without values in them

    def _boolean(self, depth: int) -> Pair:
        return {"type": "boolean"}, self._maybe()

    def _string(self, depth: int) -> Pair:
        match self._chance.randrange(6):
            case 0:
                pattern = self._chance.choice([*PATTERNS])
                return {"type": "string", "pattern": pattern}, PATTERNS[pattern]
            case 1:
                name = self._chance.choice([*FORMATS])
                return {"type": "string", "format": name}, FORMATS[name]
            case 2:
                length = self._chance.randint(0, 30)
                value = "".join(self._chance.choices(string.ascii_letters, k=length))
                schema: Schema = {"type": "string"}
                if self._maybe():
                    schema["minLength"] = self._chance.randint(0, length)
                if self._maybe():
                    schema["maxLength"] = length + self._chance.choice([0, 1, 10, 100, 225, 970])
                return schema, value
        return {"type": "string"}, self._chance.choice(WORDS)

    def _number(self, depth: int) -> Pair:
        is_integer = self._maybe()
        value: Any = self._chance.choice([0, 1, -1, 7, 42, 1000, -250])
        if not is_integer:
            value = self._chance.choice([value, value / 4, 0.1, 1e-6, 3.14159])
        schema: Schema = {"type": "integer" if is_integer else "number"}
        if self._maybe(0.4):
            key, by = self._chance.choice([("minimum", 0), ("exclusiveMinimum", 1)])
            schema[key] = value - by
        if self._maybe(0.4):
            key, by = self._chance.choice([("maximum", 0), ("exclusiveMaximum", 1)])
            schema[key] = value + by
        if is_integer and value and self._maybe(0.1):
            schema["multipleOf"] = abs(value)
        return schema, value

    def _leaf(self) -> Any:
        return self._chance.choice([*WORDS, 0, 1, 2.5, -3, True, None, [1, "a"], {"k": "v"}])

    def _enum(self, depth: int) -> Pair:
        listed = [*self._some(WORDS, 6), self._chance.choice(WORDS)]
        if self._maybe(0.2):
            listed.append(self._leaf())
        listed = [json.loads(text) for text in dict.fromkeys(map(json.dumps, listed))]
        schema: Schema = {"enum": listed}
        if all(isinstance(one, str) for one in listed) and self._maybe(0.7):
            schema["type"] = "string"
        return schema, self._chance.choice(listed)

    def _const(self, depth: int) -> Pair:
        value = self._leaf()
        return {"const": value}, value

    def _any(self, depth: int) -> Pair:
        return self._chance.choice([{}, True, {"description": "Anything."}]), self._leaf()

    # -- values with values in them

    def _array(self, depth: int) -> Pair:
        item, one = self._schema(depth + 1)
        schema: Schema = {"type": "array", "items": item}
        value = [one] * self._chance.randint(0, 3)
        match self._chance.randrange(8):
            case 0:
                del schema["items"]
            case 1:
                schema["minItems"], value = 1, [one]
            case 2:
                schema["maxItems"] = 3
            case 3:
                second, other = self._schema(depth + 1)
                schema = {"type": "array", "prefixItems": [item, second], "items": self._maybe()}
                value = [one, other]
            case 4 if self._maybe(0.1):
                schema["uniqueItems"], value = True, [one]
            case 5 if self._maybe(0.1):
                schema, value = {"type": "array", "contains": item}, [one]
        return schema, value

    def _object(self, depth: int) -> Pair:
        properties: dict[str, Schema] = {}
        value: dict[str, Any] = {}
        required: list[str] = []
        for key in self._some(KEYS, 5 - depth):
            properties[key], inner = self._schema(depth + 1)
            if self._maybe():
                required.append(key)
            if key in required or self._maybe():
                value[key] = inner
        schema: Schema = {"type": "object", "properties": properties}
        if required or self._maybe():
            schema["required"] = required
        match self._chance.randrange(12):
            case 0 | 1 | 2:
                schema["additionalProperties"] = False
            case 3 if depth:
                schema["additionalProperties"], inner = self._schema(depth + 1)
                if self._maybe():
                    value["other"] = inner
            case 4 if depth:
                schema = {"type": "object", "additionalProperties": self._schema(depth + 1)[0]}
                value = {}
            case 5 if depth and self._maybe(0.3):
                schema = {"type": "object", "patternProperties": {"^x-": {"type": "string"}}}
                value = {"x-a": "b"}
            case 6 if depth and self._maybe(0.3):
                schema["minProperties"] = len(value)
            case 7 if depth:
                schema, value = {"type": "object"}, {}
        return schema, value

    # -- combinations

    def _nullable(self, depth: int) -> Pair:
        schema, value = self._schema(depth + 1)
        has_type = isinstance(schema, dict) and isinstance(schema.get("type"), str)
        if has_type and "enum" not in schema and self._maybe():
            return {**schema, "type": [schema["type"], "null"]}, value
        return {"anyOf": [schema, {"type": "null"}]}, self._chance.choice([value, None])

    def _types(self, depth: int) -> Pair:
        types = self._chance.sample(["integer", "boolean", "array", "object"], 2)
        return {"type": [*types, "string"]}, "text"

    def _any_of(self, depth: int) -> Pair:
        pairs = [self._schema(depth + 1) for _ in range(self._chance.randint(1, 3))]
        return {"anyOf": [schema for schema, _ in pairs]}, pairs[0][1]

    def _one_of(self, depth: int) -> Pair:
        kinds: list[Callable[[int], Pair]] = [self._string, self._number, self._boolean]
        pairs = [draw(depth + 1) for draw in self._chance.sample([*kinds, self._object], 2)]
        return {"oneOf": [schema for schema, _ in pairs]}, pairs[0][1]

    def _all_of(self, depth: int) -> Pair:
        schema, value = self._object(depth + 1)
        if self._maybe():
            more, inner = self._schema(depth + 1)
            extra = {"type": "object", "properties": {"more": more}, "required": ["more"]}
            schema.pop("additionalProperties", None)
            schema.pop("patternProperties", None)
            return {"allOf": [schema, extra]}, {**value, "more": inner}
        return {"allOf": [schema]}, value

    def _reference(self, depth: int) -> Pair:
        if self._definitions and self._maybe():
            name = self._chance.choice([*self._definitions])
        else:
            definition = self._schema(depth + 1)
            name = f"D{len(self._definitions)}"
            self._definitions[name] = definition
        return {"$ref": f"#/$defs/{name}"}, self._definitions[name][1]

    def _union_of_objects(self, depth: int) -> Pair:
        """Objects that a property tells apart, as parameters that depend on an action."""
        branches, values = [], []
        for action in self._chance.sample(["create", "update", "delete"], 2):
            schema, value = self._object(depth + 1)
            schema.setdefault("properties", {})["action"] = {"const": action}
            schema["required"] = ["action", *schema.get("required", [])]
            schema.pop("additionalProperties", None)
            branches.append(schema)
            values.append({**value, "action": action})
        schema = {self._chance.choice(["oneOf", "anyOf"]): branches}
        if self._maybe():
            schema["type"] = "object"
        return schema, values[0]
