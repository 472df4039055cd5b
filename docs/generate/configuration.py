"""Prints docs/configuration.md: `python -m docs.generate.configuration > docs/configuration.md`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.admission.admission import SLOTS
from gateway.admission.queue import MAX_RETRY_S
from gateway.admission.rate_limit import WINDOW_S
from gateway.api.body import INT32_MAX
from gateway.api.openai import chat_body as body
from gateway.api.openai.completions import body as completion_body
from gateway.api.openai.token_input import MAX_TOKENS
from gateway.api.server.connection import MAX_CONNECTIONS, REQUEST_HEADERS_S
from gateway.api.server.serve import SHUTDOWN_S
from gateway.api.streaming import HEADERS_S, KEEP_ALIVE_S
from gateway.api.tools import TOOL_NAME
from gateway.api.vectors import MAX_INPUTS
from gateway.config.limits import MAX_DEPTH
from gateway.config.llama import MAX_OVERRIDE_BYTES
from gateway.config.load import Config

Node = dict[str, Any]  # of a JSON Schema
RANGE = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "below",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A fixed limit."""

    what: str
    value: int
    why: str


BOUNDS = (
    Bound("concurrent sequences of a model", SLOTS, "each takes part in every batch"),
    Bound("`n`", body.MAX_N, "the concurrent sequences of a model"),
    Bound(
        "completions of all prompts of a `/v1/completions` request",
        completion_body.MAX_ANSWERS,
        "later requests wait for all of them",
    ),
    Bound(
        "tokens of a completion without `max_tokens`",
        completion_body.DEFAULT_MAX_TOKENS,
        "as in the OpenAI API",
    ),
    Bound("`max_tokens`, `top_k`, `thinking_budget`", INT32_MAX, "int32 in llama.cpp"),
    Bound("`top_logprobs`, `logprobs`", body.MAX_TOP_LOGPROBS, "as in the OpenAI API"),
    Bound("`stop` strings", body.MAX_STOPS, "each is searched for in every delta"),
    Bound("characters of a `stop` string", body.MAX_STOP_CHARS, "a stream holds back this much"),
    Bound("inputs of `/v1/embeddings`", MAX_INPUTS, "as in the OpenAI API"),
    Bound("nesting of JSON", MAX_DEPTH, "the maximum that the parsers support"),
    Bound("bytes of a key or a string in `override_kv`", MAX_OVERRIDE_BYTES, "fixed in llama.cpp"),
    Bound("tokens in one prompt or input", MAX_TOKENS, "validating as many takes 60 ms"),
    Bound("connections at once", MAX_CONNECTIONS, "a process may usually open 1024 files"),
    Bound("seconds until a request's headers arrive", REQUEST_HEADERS_S, "they are sent at once"),
    Bound("seconds until a stream sends its headers", HEADERS_S, "Heroku times out after 30"),
    Bound(
        "seconds between keep-alive comments",
        KEEP_ALIVE_S,
        "proxies close idle streams",
    ),
    Bound("seconds in `Retry-After`", MAX_RETRY_S, "openai-python ignores more"),
    Bound("window in seconds of the `rate` of an API key", WINDOW_S, "requests per minute"),
    Bound("seconds to close connections at shutdown", SHUTDOWN_S, "the last events are short"),
)

INTRODUCTION = """\
# Configuration

All keys of `models.yaml`, and the fixed limits. This page is generated from the code by
`.venv/bin/python -m docs.generate.configuration > docs/configuration.md`; a test fails when it is out of date. The comments in
`models.yaml` have examples and more details. `tool-gateway check` reports errors in the file without starting the gateway.

`-` means no value: the key is optional, and the description has the default behaviour.
"""  # noqa: E501 - lines as long as the other pages have them

HEAD = """\
| key | type | default | description |
|---|---|---|---|
"""

FIXED_LIMITS = """
## Fixed limits

A tool name matches `{tool_name}`. A request that exceeds a limit gets a 4xx error.

| limit | value | reason |
|---|---|---|
"""


def as_markdown() -> str:
    """The content of docs/configuration.md."""
    schema = Config.model_json_schema()
    tables = [_table(path, node) for path, node in _sections("", schema, schema.get("$defs", {}))]
    bounds = "".join(f"| {one.what} | {one.value:,} | {one.why} |\n" for one in BOUNDS)
    return INTRODUCTION + "".join(tables) + FIXED_LIMITS.format(tool_name=TOOL_NAME) + bounds


def _sections(path: str, node: Node, sections: Node) -> Iterator[tuple[str, Node]]:
    """Yields the path and the schema of each section, the outer before the inner."""
    yield path, node
    for key, inner in node["properties"].items():
        if name := _section(inner):
            yield from _sections(f"{path}.{key}".lstrip("."), sections[name], sections)
        elif name := _section(inner.get("additionalProperties", {})):
            yield from _sections(f"{path}.{key}.NAME".lstrip("."), sections[name], sections)


def _section(node: Node | bool) -> str:
    """The name of the section that `node` refers to, or an empty string."""
    reference: str = node.get("$ref", "") if isinstance(node, dict) else ""
    return reference.rpartition("/")[2]


def _table(path: str, section: Node) -> str:
    title = f"`{path}`" if path else "Top level"
    required = section.get("required", ())
    rows = "".join(_row(key, node, key in required) for key, node in section["properties"].items())
    return f"\n## {title}\n\n{section.get('description', '')}\n\n{HEAD}{rows}"


def _row(key: str, node: Node, is_required: bool) -> str:
    description = " ".join(node.get("description", "").split())
    default = "required" if is_required else _default(node)
    return f"| `{key}` | {_type(node)} | {default} | {description} |\n"


def _default(node: Node) -> str:
    default = node.get("default")
    is_empty = _section(node) or default in (None, "", [], {})
    return "-" if is_empty else f"`{_as_yaml(default)}`"


def _type(node: Node) -> str:
    """The type of a value, in words."""
    match node:
        case {"$ref": _}:
            return "section"
        case {"anyOf": list(choices)}:
            return " or ".join(_type(one) for one in choices if one != {"type": "null"})
        case {"const": value}:
            return f"`{_as_yaml(value)}`"
        case {"enum": list(values)}:
            return ", ".join(f"`{_as_yaml(value)}`" for value in values)
        case {"type": "integer" | "number" as kind}:
            return f"{kind}{_range(node)}"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "array", "prefixItems": list(items)}:
            return f"[{', '.join(map(_type, items))}]"
        case {"type": "array", "items": dict(items)}:
            return f"list of: {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"mapping of names to: {_type(values)}"
        case {"type": "object"}:
            return "mapping"
        case {"format": "path"}:
            return "path"
    return "string"


def _range(node: Node) -> str:
    words = (f" {word} {_number(node[key])}" for key, word in RANGE.items() if key in node)
    return "".join(words)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _as_yaml(value: object) -> str:
    """A value in YAML."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    print(as_markdown(), end="")
