"""OpenTelemetry spans of the answers to a request, by the conventions for generative AI.

FastAPI makes the HTTP span around them, reads `traceparent` and exports by the variables `OTEL_*`.
Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from gateway.observe.trace import Trace

NAME = "tool-gateway"
TOOL_CALL = "tool_gateway.tool_call"  # an event
FORCED_TOKENS = "tool_gateway.forced_tokens"
# Those sampling parameters that have a name in the conventions.
SAMPLING = (
    *("temperature", "top_p", "top_k", "seed"),
    *("frequency_penalty", "presence_penalty"),
)


class Spans:
    """Makes a span for each request that asks a model, once it is over.

    It has a child for each phase: `queue`, `load`, `prefill`, `decode`. Without a `provider` the
    global one is used; if there is none, nothing is made. No text of a request is exported.
    """

    def __init__(self, provider: TracerProvider | None = None):
        self._tracer = trace.get_tracer(NAME, tracer_provider=provider)

    def export(self, request: Trace) -> None:
        """Makes the spans of a request, as children of the current span."""
        if not request.operation:
            return
        clock = _WallClock()
        span = self._tracer.start_span(
            f"{request.operation} {request.model}",
            kind=SpanKind.INTERNAL,  # the model runs here
            start_time=clock.at(request.start_s),
        )
        if not span.is_recording():
            return
        span.set_attributes(_attributes(request))
        if request.error:
            span.set_attribute("error.type", request.error)
            span.set_status(Status(StatusCode.ERROR))
        for answer in request.answers:
            for call in answer.tool_calls:
                named = {"gen_ai.tool.name": call.name, "gen_ai.tool.call.id": call.id}
                span.add_event(TOOL_CALL, named, clock.at(call.end_s))
        self._export_phases(request, span, clock)
        span.end(clock.at(request.start_s + request.duration_s))

    def _export_phases(self, request: Trace, parent: Span, clock: _WallClock) -> None:
        context = trace.set_span_in_context(parent)
        for name, (start_s, end_s) in request.phases().items():
            child = self._tracer.start_span(name, context, start_time=clock.at(start_s))
            child.end(clock.at(end_s))


def trace_id(headers: Mapping[str, str]) -> str:
    """Returns the id of the current trace, or of that in the header `traceparent`; "" if none."""
    found = trace.get_current_span().get_span_context()
    if not found.is_valid and "traceparent" in headers:
        found = trace.get_current_span(propagate.extract(headers)).get_span_context()
    return trace.format_trace_id(found.trace_id) if found.is_valid else ""


def _attributes(request: Trace) -> dict[str, AttributeValue]:
    totals = request.totals()
    sampling = asdict(request.sampling) if request.sampling else {}
    asked = {f"gen_ai.request.{name}": sampling.get(name) for name in SAMPLING}
    attributes: dict[str, AttributeValue | None] = {
        "gen_ai.operation.name": request.operation,
        "gen_ai.provider.name": NAME,
        "gen_ai.request.model": request.model,
        "gen_ai.response.model": request.model,
        "gen_ai.request.choice.count": request.each if request.each > 1 else None,
        **asked,
        "gen_ai.usage.input_tokens": totals.prompt_tokens,
        "gen_ai.usage.cache_read.input_tokens": totals.cached_tokens,
        "gen_ai.usage.output_tokens": totals.generated_tokens,
        "gen_ai.response.finish_reasons": [answer.finish for answer in request.answers],
        "gen_ai.response.time_to_first_chunk": request.first_token_s,
        FORCED_TOKENS: totals.forced_tokens,
    }
    return {name: value for name, value in attributes.items() if value is not None}


class _WallClock:
    """Converts seconds of the monotonic clock to nanoseconds since 1970."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - round(time.monotonic() * 1e9)

    def at(self, monotonic_s: float) -> int:
        return self._offset_ns + round(monotonic_s * 1e9)
