"""Time from a request body to its compiled grammar, for 300 tools with 1 MB of schemas.

No answer is generated, since the prompt exceeds the context of the model.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.bare import SOURCE
from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.request import Sampling
from gateway.engine.options import EngineOptions
from gateway.formats.families import HERMES
from gateway.generate.constraint import Constraint
from gateway.hub.source import locate
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler

TITLE = "300 tools, from the request body to the compiled grammar"
TOOLS = 300
BYTES = 10**6
ROUNDS = 5
WORDS = ("name", "city", "value", "count", "mode", "filter", "user", "limit", "kind", "path")

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """Total time, and the part of it in the gateway."""
    yield ("", "measured", "in the gateway")
    start = EngineOptions(
        path=str(locate(SOURCE, Path())), context=0, threads=1, vocabulary_only=True
    )
    grammars = GrammarCompiler(Llama(start))
    cold, again = [], []
    for seed in range(ROUNDS):
        body = _body(seed)
        cold.append(_seconds(body, grammars))
        again.append(_seconds(body, grammars))
    for what, both in (("unseen", cold), ("seen before", again)):
        whole = statistics.median(ours + theirs for ours, theirs in both)
        ours = statistics.median(ours for ours, _ in both)
        yield (
            f"{TOOLS} tools, 1 MB of schemas, {what}, ms",
            f"{whole * 1e3:.0f}",
            f"{ours * 1e3:.0f}",
        )


def _seconds(body: bytes, grammars: GrammarCompiler) -> tuple[float, float]:
    """Seconds to parse a request and write its grammar, and seconds to compile the grammar."""
    began = time.perf_counter()
    request = to_request(read(body), Sampling())
    grammar = Constraint(request, HERMES, "", {}).grammar
    written = time.perf_counter()
    assert grammar is not None
    grammars.matcher(grammar).mask()
    return written - began, time.perf_counter() - written


def _body(seed: int) -> bytes:
    message = {"role": "user", "content": "Hello"}
    body = {"model": "m", "messages": [message], "tools": tools(seed, TOOLS, BYTES)}
    return json.dumps(body).encode()


def tools(seed: int, count: int, size: int, max_parameters: int = 8) -> list[dict[str, Any]]:
    """`count` tools of up to `max_parameters` parameters, with at least `size` bytes of schemas."""
    chance = random.Random(seed)
    schemas = [_object(chance, 0, max_parameters) for _ in range(count)]
    missing = size - sum(len(json.dumps(schema)) for schema in schemas)
    while missing > 0:
        properties = chance.choice(schemas)["properties"]
        more = _property(chance, 0)
        properties[f"{chance.choice(WORDS)}_{len(properties)}"] = more
        missing -= len(json.dumps(more)) + 12
    return [
        {"type": "function", "function": {"name": f"tool_{i}", "parameters": schema}}
        for i, schema in enumerate(schemas)
    ]


def _object(chance: random.Random, depth: int, max_parameters: int = 8) -> dict[str, Any]:
    names = [f"{chance.choice(WORDS)}_{i}" for i in range(chance.randint(2, max_parameters))]
    return {
        "type": "object",
        "properties": {name: _property(chance, depth) for name in names},
        "required": [name for name in names if chance.random() < 0.4],
    }


def _property(chance: random.Random, depth: int) -> dict[str, Any]:
    described = {"description": " ".join(chance.choices(WORDS, k=chance.randint(4, 18)))}
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "enum": chance.sample(WORDS, 4)},
        {"type": "string", "format": chance.choice(["date-time", "email", "uri"])},
        {"type": "string", "pattern": "^[a-z]+-[0-9]{2,6}$"},
        {"type": "integer", "minimum": 0, "maximum": chance.randint(5, 500)},
        {"type": "boolean", "default": False},
        {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
    ]
    if depth < 3:
        kinds += [{"type": "array", "items": _property(chance, depth + 1)}]
        kinds += [_object(chance, depth + 1)] if chance.random() < 0.3 else []
    return described | chance.choice(kinds)


if __name__ == "__main__":
    for row in rows():
        print("{:<60} {:>10} {:>8}".format(*row))
