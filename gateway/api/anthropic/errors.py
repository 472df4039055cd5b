"""Errors as the Anthropic API has them.

Source: https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

from gateway.chat.json import Object
from gateway.errors import ContextExceeded, GatewayError
from gateway.observe.trace import current

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def envelope(error: GatewayError) -> Object:
    """Returns `{"type": "error", "error": {type, message}, "request_id"}`."""
    fault: Object = {"type": TYPES.get(error.status, "api_error"), "message": _message(error)}
    return {"type": "error", "error": fault, "request_id": current().id}


def _message(error: GatewayError) -> str:
    """The error's message; by these words clients know that they must shorten the conversation."""
    if isinstance(error, ContextExceeded):
        return (
            f"prompt is too long: {error.prompt} tokens > {error.context} maximum; shorten it, or"
            " raise `context` in models.yaml"
        )
    return error.message
