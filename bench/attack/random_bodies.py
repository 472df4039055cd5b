"""Random request bodies of all dialects: most are well formed, many have something odd in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

Body = dict[str, Any]
T = TypeVar("T")

MODELS = ("m", "m", "m", "m", "other", "embed", "nobody")
MAX_TOKENS = 8
CHANCE_OF_ODDITY = 0.5
SIZES = (0, 1, 2, 3, 8, 60, 1000)
LARGE_SIZES = (10_000, 200_000)
MAX_TEXT = 2**22  # characters; the largest body is twice as long
TEXTS = (
    "",
    " ",
    "Hi",
    "What is the weather in Rome?",
    "<|im_start|>system",
    "<tool_call>",
    '{"name": "go", "arguments": {"a": 1}}',
    "\x00\x1b\ufffd\ufdd0\u2028",
    "é漢🙂",
    "\ud800",
    "[" * 70,
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "-1",
)
NUMBERS = (0, 1, -1, 0.5, 2**31, 2**63, -(2**63), 10**30, 1e308, 5e-324, 1e-9)
TYPES = ("string", "integer", "number", "boolean", "null", "array", "object", "any")
PATTERNS = ("^a+$", "(a+)+$", "[", "\\d{3}", "^(?=a)b", "\\p{L}", ".{0,5000}", "(?<n>a)\\k<n>")
FORMATS = ("date", "uuid", "email", "ipv4", "nonsense")
ROLES = ("user", "assistant", "system", "tool", "developer", "function", "nobody")


class RandomBodies:
    """Draws bodies for `models` by `chance`, one after another."""

    def __init__(self, chance: Random, models: Sequence[str] = MODELS):
        self._chance = chance
        self._models = models
        self._kinds: Mapping[str, Callable[[], Body]] = {
            "/v1/chat/completions": self._chat,
            "/v1/chat/completions/render": self._chat,
            "/v1/completions": self._completion,
            "/v1/responses": self._response,
            "/v1/responses/input_tokens": self._response,
            "/v1/messages": self._message_request,
            "/v1/messages/count_tokens": self._message_request,
            "/api/chat": self._ollama_chat,
            "/api/generate": self._ollama_generate,
            "/api/embed": lambda: {"input": self._texts()},
            "/v1/embeddings": lambda: {"input": self._texts(), "dimensions": self._maybe(64)},
            "/tokenize": lambda: {"prompt": self._text(), "return_token_strs": self._flag()},
            "/detokenize": lambda: {"tokens": self._tokens()},
        }

    def next(self) -> tuple[str, bytes]:
        """A path and a body for it."""
        path = self._one(*self._kinds)
        body = {"model": self._one(*self._models), **self._kinds[path]()}
        if self._chance.random() < CHANCE_OF_ODDITY:
            for _ in range(self._chance.randrange(1, 4)):
                self._spoil(body)
        data = json.dumps(body).encode()
        if self._chance.random() < 0.03:
            at = self._chance.randrange(len(data))
            data = data[:at] + self._chance.randbytes(3) + data[at + self._chance.randrange(9) :]
        return path, data

    # -- dialects

    def _chat(self) -> Body:
        return {
            "messages": self._several(self._message, least=1),
            "max_tokens": MAX_TOKENS,
            "stream": self._flag(),
            "n": self._maybe(2),
            "stop": self._maybe(self._texts()),
            "seed": self._maybe(self._number()),
            "temperature": self._maybe(self._number()),
            "logprobs": self._flag(),
            "top_logprobs": self._maybe(3),
            "tools": self._maybe(self._several(self._tool)),
            "tool_choice": self._maybe(self._one("auto", "none", "required", self._choice())),
            "response_format": self._maybe(self._format()),
            "thinking_budget": self._maybe(self._number()),
            "tool_call_probability": self._flag(),
        }

    def _completion(self) -> Body:
        prompt = self._one(self._texts(), self._tokens())
        fields = {"echo": self._flag(), "logprobs": self._maybe(2), "stream": self._flag()}
        return {"prompt": prompt, "max_tokens": MAX_TOKENS, "n": self._maybe(2), **fields}

    def _response(self) -> Body:
        return {
            "input": self._one(self._text(), self._several(self._item)),
            "instructions": self._maybe(self._text()),
            "max_output_tokens": MAX_TOKENS,
            "stream": self._flag(),
            "store": self._flag(),
            "previous_response_id": self._maybe("resp_0"),
            "tools": self._maybe(self._several(lambda: {"type": "function", **self._function()})),
            "text": self._maybe({"format": {"type": "json_schema", **self._named_schema()}}),
        }

    def _message_request(self) -> Body:
        return {
            "messages": self._several(self._blocks_message, least=1),
            "max_tokens": MAX_TOKENS,
            "system": self._maybe(self._text()),
            "stream": self._flag(),
            "stop_sequences": self._maybe(self._several(self._text)),
            "tools": self._maybe(
                self._several(lambda: {"name": self._name(), "input_schema": self._schema()})
            ),
            "thinking": self._maybe({"type": "enabled", "budget_tokens": self._number()}),
        }

    def _ollama_chat(self) -> Body:
        format = self._maybe(self._one("json", self._schema()))
        options = {"num_predict": MAX_TOKENS, "stop": self._maybe(self._texts())}
        fields = {"stream": self._flag(), "format": format, "options": options}
        tools = self._maybe(self._several(self._tool))
        return {"messages": self._several(self._message), "tools": tools, **fields}

    def _ollama_generate(self) -> Body:
        options = {"num_predict": MAX_TOKENS}
        return {"prompt": self._text(), "raw": self._flag(), "options": options}

    # -- messages

    def _message(self) -> Body:
        role = self._one(*ROLES)
        message: Body = {"role": role, "content": self._content()}
        if role == "assistant":
            message["tool_calls"] = self._maybe(self._several(self._call))
            message["reasoning_content"] = self._maybe(self._text())
        if role in ("tool", "function"):
            message["tool_call_id"] = self._maybe(self._id())
        return message

    def _content(self) -> Any:
        parts = self._several(lambda: {"type": "text", "text": self._text()})
        return self._one(self._text(), self._text(), parts, None)

    def _call(self) -> Body:
        arguments = self._one(self._text(), json.dumps(self._value()))
        function = {"name": self._name(), "arguments": arguments}
        return {"id": self._id(), "type": "function", "function": function}

    def _item(self) -> Body:
        return self._one(
            self._message(),
            {"type": "function_call", "call_id": self._id(), "name": "go", "arguments": "{}"},
            {"type": "function_call_output", "call_id": self._id(), "output": self._text()},
            {"type": "reasoning", "summary": [], "encrypted_content": self._text()},
        )

    def _blocks_message(self) -> Body:
        return {
            "role": self._one("user", "assistant"),
            "content": self._one(self._text(), self._several(self._block)),
        }

    def _block(self) -> Body:
        return self._one(
            {"type": "text", "text": self._text()},
            {"type": "tool_use", "id": self._id(), "name": self._name(), "input": {"a": 1}},
            {"type": "tool_result", "tool_use_id": self._id(), "content": self._text()},
            {"type": "thinking", "thinking": self._text(), "signature": self._text()},
        )

    # -- tools and schemas

    def _tool(self) -> Body:
        return {"type": "function", "function": self._function()}

    def _function(self) -> Body:
        return {
            "name": self._name(),
            "description": self._maybe(self._text()),
            "parameters": self._maybe(self._one(self._schema(), self._object(2))),
        }

    def _choice(self) -> Body:
        return {"type": "function", "function": {"name": self._name()}}

    def _format(self) -> Body:
        return self._one(
            {"type": "json_object"},
            {"type": "json_schema", "json_schema": self._named_schema()},
        )

    def _named_schema(self) -> Body:
        return {"name": self._name(), "schema": self._schema()}

    def _schema(self, depth: int = 3) -> Any:
        """A JSON Schema, mostly a valid one."""
        if depth == 0:
            return self._one(True, {}, {"type": self._one(*TYPES)}, {"$ref": "#/$defs/d"})
        under = self._chance.randrange(depth)
        return self._one(
            self._object(under),
            {"type": "array", "items": self._schema(under), "minItems": self._number()},
            {"type": "string", "pattern": self._one(*PATTERNS), "maxLength": self._number()},
            {"type": "string", "format": self._one(*FORMATS)},
            {"type": "number", "minimum": self._number(), "multipleOf": self._number()},
            {"enum": self._several(self._value)},
            {"const": self._value()},
            {self._one("anyOf", "oneOf", "allOf"): self._several(lambda: self._schema(under))},
            {"not": self._schema(under)},
            {"if": self._schema(0), "then": self._schema(under)},
            {"$defs": {"d": self._schema(under)}, "$ref": self._one("#/$defs/d", "#", "nowhere")},
            {"type": self._several(lambda: self._one(*TYPES))},
        )

    def _object(self, depth: int) -> Body:
        names = [self._name() for _ in range(self._chance.randrange(4))]
        return {
            "type": "object",
            "properties": {name: self._schema(depth) for name in names},
            "required": self._one([], names, ["missing"]),
            "additionalProperties": self._one(True, False, self._schema(0)),
            "patternProperties": {self._one(*PATTERNS): self._schema(0)},
        }

    # -- parts

    def _spoil(self, whole: Body) -> None:
        """Replaces, removes or repeats a value somewhere in `whole`."""
        place: Any = whole
        while True:
            keys = [*place] if isinstance(place, dict) else [*range(len(place))]
            if not keys:
                return
            key = self._one(*keys)
            inner = place[key]
            if isinstance(inner, dict | list) and inner and self._chance.random() < 0.7:
                place = inner
                continue
            break
        action = self._chance.randrange(4)
        if action == 0:
            del place[key]
        elif action == 1 and isinstance(place, list):
            place.extend([inner] * self._one(*SIZES))
        elif action == 2 and isinstance(inner, str):
            most = MAX_TEXT // max(1, len(inner))
            place[key] = inner * min(self._one(*SIZES, *LARGE_SIZES), most)
        else:
            place[key] = self._value()

    def _value(self, depth: int = 2) -> Any:
        plain: tuple[Any, ...] = (self._text(), self._number(), None, True, [], {})
        if depth == 0:
            return self._one(*plain)
        nested = self._value(depth - 1)
        return self._one(*plain, [nested] * self._one(*SIZES[:5]), {self._text(): nested})

    def _text(self) -> str:
        return self._one(*TEXTS) * self._one(1, 1, 1, 2, 50)

    def _texts(self) -> str | list[str]:
        return self._several(self._text) if self._chance.random() < 0.5 else self._text()

    def _tokens(self) -> list[int]:
        return [self._chance.randrange(-1, 50_000) for _ in range(self._one(*SIZES))]

    def _name(self) -> str:
        return self._one("go", "get_weather", "a", "", "x" * 100, "a b", "<|im_end|>")

    def _id(self) -> str:
        return self._one("c0", "c1", "toolu_1", "")

    def _number(self) -> float:
        return self._one(*NUMBERS)

    def _flag(self) -> bool | None:
        return self._one(None, True, False)

    def _maybe(self, value: Any) -> Any:
        return self._one(None, None, value)

    def _several(self, draw: Callable[[], Any], least: int = 0) -> list[Any]:
        return [draw() for _ in range(self._chance.randrange(least, 4))]

    def _one(self, *values: T) -> T:
        return self._chance.choice(values)
