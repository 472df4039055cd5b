"""100 tools, unseen and seen before: what a request waits for beyond the reading of its prompt.

The template writes every schema out, then shows the model only its name: reading them all would
take minutes, and each round needs schemas that are new.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from bench.figure import CONTEXT, ROUNDS, THREADS, Aim, Measurement, Sides, Value
from bench.gateway import gateway
from bench.schemas import tools
from bench.server import said

TOOLS = 100
BYTES = 60_000
TEMPLATE = """<|im_start|>system
{% for tool in tools or [] %}
{% set written = tool.function | tojson %}{{ tool.function.name }},
{% endfor %}
{% for i in range(0 if tools else 100) %}tool_{{ i }},
{% endfor %}
<|im_end|>
{% for message in messages %}
<|im_start|>{{ message.role }}
{{ message | turn if message.role == 'assistant' else message.content }}<|im_end|>
{% endfor %}
<|im_start|>assistant
"""


def first_forced(_sides: Sides) -> Iterator[Value]:
    """A call begins with what must stand there, so its first token waits for no reading."""
    rounds = []
    with gateway(CONTEXT, THREADS, TEMPLATE) as server:
        for seed in range(ROUNDS + 1):
            offered = tools(seed, TOOLS, BYTES, most=3)
            ask = partial(server.stream, messages=said("Hello"), tools=offered, max_tokens=1)
            rounds.append([ask(tool_choice="required").first_s for _ in range(2)])
    cold_ms, warm_ms = (1e3 * statistics.median(s) for s in zip(*rounds[1:], strict=True))
    yield cold_ms, "from sending the request to its first chunk of a call, over HTTP"
    yield warm_ms, "likewise"


OFFERED = (
    Measurement(
        (
            Aim("first forced token, 100 tools unseen, beyond reading", 300, unit="ms"),
            Aim("first forced token, 100 tools seen before, beyond reading", 5, unit="ms"),
        ),
        first_forced,
    ),
)
