"""FastAPI's telemetry: the spans of HTTP requests, their export, and `traceparent`."""

from __future__ import annotations

from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import TracerProvider

from gateway.api.middleware.request_log import QUIET_ROUTES


def telemetry(provider: TracerProvider | None = None) -> TelemetryConfig:
    """Spans go to `provider`, by default to what the variables `OTEL_*` configure."""
    return {
        "tracer_provider": provider,
        "auto_configure": True,
        "operation_spans": False,
        "logs": False,  # exceptions may quote a request
        "exclude": lambda scope: scope.get("path") in QUIET_ROUTES,
    }
