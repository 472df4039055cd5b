"""Sends the request of a capture to a gateway again."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from gateway.cli.server.running_gateway import RunningGateway
from gateway.errors import BadRequest


class Asked(msgspec.Struct):
    """The request of a capture."""

    endpoint: str
    request: Any = None


def ask_again(data: bytes, url: str) -> bytes:
    """Returns the capture of the same request to the gateway at `url`; raises GatewayError."""
    try:
        asked = msgspec.json.decode(data, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"not a capture: {error}") from error
    gateway, id = RunningGateway(url), f"replay_{secrets.token_hex(12)}"
    gateway.text("/captures")  # fails at once if requests are not captured
    gateway.submit_captured(asked.endpoint, asked.request, id)
    gateway.text(f"/captures/{id}/events", timeout_s=None)  # ends with the request
    return gateway.text(f"/captures/{id}").encode()
