"""The keys of models.yaml and the limits beside them, as docs/configuration.md.

`python -m docs.generate.configuration` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.admission.admission import SLOTS
from gateway.admission.queue import MAX_RETRY_S
from gateway.admission.rate_limit import WINDOW_S
from gateway.api.disconnect import HEADERS_S
from gateway.api.openai import chat_body as body
from gateway.api.openai import completions_body as completion_body
from gateway.api.openai.embeddings import MOST_INPUTS
from gateway.api.server import FAREWELL_S
from gateway.api.sse import KEEP_ALIVE_S
from gateway.config.limits import MOST_DEPTH
from gateway.config.llama import LONGEST
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
    """A limit that no key changes."""

    what: str
    value: int
    why: str


BOUNDS = (
    Bound("answers that a model writes at once", SLOTS, "each takes a share of every step"),
    Bound("`n`", body.MOST_ANSWERS, "as many as a model writes at once"),
    Bound(
        "answers to all prompts of `/v1/completions`",
        completion_body.MOST_ANSWERS,
        "whoever waits behind them waits for all",
    ),
    Bound(
        "tokens of a completion without `max_tokens`",
        completion_body.MOST_TOKENS,
        "as the OpenAI API has it",
    ),
    Bound("`max_tokens`, `top_k`, `thinking_budget`", body.INT32_MAX, "llama.cpp counts so far"),
    Bound("`top_logprobs`, `logprobs`", body.MOST_ODDS, "as the OpenAI API has it"),
    Bound("`stop` strings", body.MOST_STOPS, "each is looked for in every piece of text"),
    Bound("characters of a `stop` string", body.LONGEST_STOP, "so much text is held back for it"),
    Bound("inputs of `/v1/embeddings`", MOST_INPUTS, "as the OpenAI API has it"),
    Bound("lists and objects inside each other", MOST_DEPTH, "what reads them later bears no more"),
    Bound("bytes of a key or a text in `override_kv`", LONGEST, "llama.cpp has room for no more"),
    Bound("seconds until a stream begins", HEADERS_S, "Heroku's proxy gives up after 30"),
    Bound("seconds between the comments of a stream", KEEP_ALIVE_S, "proxies end what is silent"),
    Bound("seconds in `Retry-After`", MAX_RETRY_S, "openai-python once passed over more"),
    Bound("seconds that a key's `rate` is counted over", WINDOW_S, "it is in requests a minute"),
    Bound("seconds to close connections at the end", FAREWELL_S, "the last events are short"),
)

INTRODUCTION = """\
# Configuration

Every key of `models.yaml`, and the limits that no key changes. This page is made from the code by
`.venv/bin/python -m docs.generate.configuration > docs/configuration.md`; a test fails when it is out of date. `models.yaml` itself has
examples, and says more of some keys; what is wrong in it is told at the start, or by `tool-gateway check`.

`-` stands for no value: the key can be left out, and what then holds is said beside it.
"""  # noqa: E501 - lines as long as the other pages have them

HEAD = """\
| key | type | default | what it is, and why |
|---|---|---|---|
"""

BEYOND = """
## What no key changes

A tool's name is of the form `{tool_name}`. A request that is beyond a limit is refused with a 4xx.

| limit | value | why |
|---|---|---|
"""


def as_markdown() -> str:
    """All of docs/configuration.md."""
    schema = Config.model_json_schema()
    tables = [_table(path, node) for path, node in _sections("", schema, schema.get("$defs", {}))]
    bounds = "".join(f"| {one.what} | {one.value:,} | {one.why} |\n" for one in BOUNDS)
    return INTRODUCTION + "".join(tables) + BEYOND.format(tool_name=body.TOOL_NAME) + bounds


def _sections(path: str, node: Node, sections: Node) -> Iterator[tuple[str, Node]]:
    """Each section of the file and its place there, the outer before the inner."""
    yield path, node
    for key, inner in node["properties"].items():
        if name := _section(inner):
            yield from _sections(f"{path}.{key}".lstrip("."), sections[name], sections)
        elif name := _section(inner.get("additionalProperties", {})):
            yield from _sections(f"{path}.{key}.NAME".lstrip("."), sections[name], sections)


def _section(node: Node | bool) -> str:
    """The name of the section that a node refers to; "" if it is none."""
    reference: str = node.get("$ref", "") if isinstance(node, dict) else ""
    return reference.rpartition("/")[2]


def _table(path: str, section: Node) -> str:
    title = f"`{path}`" if path else "The file"
    rows = "".join(_row(key, node) for key, node in section["properties"].items())
    return f"\n## {title}\n\n{section.get('description', '')}\n\n{HEAD}{rows}"


def _row(key: str, node: Node) -> str:
    told = " ".join(node.get("description", "").split())
    return f"| `{key}` | {_type(node)} | {_default(node)} | {told} |\n"


def _default(node: Node) -> str:
    if "default" not in node:
        return "must be there"
    is_empty = _section(node) or node["default"] in (None, "", [], {})
    return "-" if is_empty else f"`{_written(node['default'])}`"


def _type(node: Node) -> str:
    """What a value may be, in words."""
    match node:
        case {"$ref": _}:
            return "section, below"
        case {"anyOf": list(choices)}:
            return " or ".join(_type(one) for one in choices if one != {"type": "null"})
        case {"const": value}:
            return f"`{_written(value)}`"
        case {"enum": list(values)}:
            return ", ".join(f"`{_written(value)}`" for value in values)
        case {"type": "integer" | "number" as kind}:
            return f"{kind}{_range(node)}"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "array", "prefixItems": list(items)}:
            return f"[{', '.join(map(_type, items))}]"
        case {"type": "array", "items": dict(items)}:
            return f"list of: {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"for each name: {_type(values)}"
        case {"format": "path"}:
            return "path"
    return "text"


def _range(node: Node) -> str:
    said = (f" {word} {_number(node[key])}" for key, word in RANGE.items() if key in node)
    return "".join(said)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _written(value: object) -> str:
    """A value as YAML has it."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    print(as_markdown(), end="")
