"""Turns failures of a remote engine into the gateway's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from gateway.errors import (
    BadRequest,
    GatewayError,
    ModelUnusable,
    RemoteBusy,
    RemoteFailed,
    RemoteTimeout,
)
from gateway.remote.stream import error_message

BUSY_STATUSES = (429, 503)
MISCONFIGURED_STATUSES = (401, 403, 404, 405)


@contextmanager
def connection_errors() -> Iterator[None]:
    """Turns httpx's errors into RemoteFailed and RemoteTimeout."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise RemoteTimeout("can't connect to the remote engine: it does not answer") from error
    except httpx.ConnectError as error:
        raise RemoteFailed(f"can't connect to the remote engine: {error}") from error
    except httpx.TimeoutException as error:
        raise RemoteTimeout(
            "the remote engine timed out; `remote.timeout_s` in models.yaml may be larger"
        ) from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        reason = error or type(error).__name__
        raise RemoteFailed(f"the connection to the remote engine failed: {reason}") from error


def status_error(status: int, body: bytes) -> GatewayError:
    """Returns the error for a response of the engine with a `status` other than 200."""
    message = f"the remote engine returned status {status}: {error_message(body)}"
    if status in BUSY_STATUSES:
        return RemoteBusy(message)
    if status in MISCONFIGURED_STATUSES:
        return ModelUnusable(f"{message}; correct the model's source, name or key in models.yaml")
    if status == 408:
        return RemoteTimeout(message)
    if 400 <= status < 500:
        is_too_long = "context" in message and ("length" in message or "size" in message)
        return BadRequest(message, code="context_length_exceeded" if is_too_long else None)
    return RemoteFailed(message)
