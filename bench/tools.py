"""Time to the first token with 100 tools, unseen and seen before, without the prefill.

The template renders every schema but shows the model only the names: the prefill of all schemas
would take minutes, and each round needs new schemas.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from bench.figure import CONTEXT, ROUNDS, THREADS, Aim, Measurement, Sides, Value
from bench.gateway import gateway
from bench.schemas import tools
from bench.server import user_message

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
    """The first token of a call is forced by the grammar, so it needs no sampling."""
    rounds = []
    with gateway(CONTEXT, THREADS, TEMPLATE) as server:
        for seed in range(ROUNDS + 1):
            offered = tools(seed, TOOLS, BYTES, max_parameters=3)
            ask = partial(
                server.stream, messages=user_message("Hello"), tools=offered, max_tokens=1
            )
            rounds.append([ask(tool_choice="required").first_s for _ in range(2)])
    cold_ms, warm_ms = (1e3 * statistics.median(s) for s in zip(*rounds[1:], strict=True))
    yield cold_ms, "from the request to the first chunk of a call, over HTTP"
    yield warm_ms, "likewise"


OFFERED = (
    Measurement(
        (
            Aim("first forced token, 100 tools unseen, without prefill", 300, unit="ms"),
            Aim("first forced token, 100 tools seen before, without prefill", 5, unit="ms"),
        ),
        first_forced,
    ),
)
