"""Errors as Ollama has them.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from gateway.chat.json import Object
from gateway.errors import GatewayError


def envelope(error: GatewayError) -> Object:
    """Returns `{"error": message}`."""
    return {"error": error.message}
