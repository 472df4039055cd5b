"""What goes wrong with a remote engine -> an error of ours."""

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
from gateway.remote.stream import reason

BUSY = (429, 503)
MISTAKEN = (401, 403, 404, 405)


@contextmanager
def told() -> Iterator[None]:
    """Turn the faults of a connection into errors that a client can be told."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise RemoteTimeout("the remote engine can't be reached: it does not answer") from error
    except httpx.ConnectError as error:
        raise RemoteFailed(f"the remote engine can't be reached: {error}") from error
    except httpx.TimeoutException as error:
        raise RemoteTimeout("the remote engine has sent nothing for too long") from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        raise RemoteFailed(f"the connection to the remote engine broke: {error or kind}") from error


def refusal(status: int, body: bytes) -> GatewayError:
    """What it means that the engine answers with `status`."""
    says = f"the remote engine answers {status}: {reason(body)}"
    if status in BUSY:
        return RemoteBusy(says)
    if status in MISTAKEN:
        return ModelUnusable(f"{says}; models.yaml has its address, its model and its key")
    if status == 408:
        return RemoteTimeout(says)
    if 400 <= status < 500:
        is_long = "context" in says and ("length" in says or "size" in says)
        return BadRequest(says, code="context_length_exceeded" if is_long else None)
    return RemoteFailed(says)
