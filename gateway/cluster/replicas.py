"""The replicas as the ingress calls them: through Ray, whose errors become the gateway's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from gateway.api.errors import internal_error
from gateway.cluster.call import Call, Part, Whole
from gateway.errors import Busy, GatewayError, ReplicaLost, ReplicaUnavailable

TAKEN_S = 20.0  # within which a replica takes a request; Heroku waits for 30 s for headers
BUSY_RETRY_S = 1


class Replicas:
    """The deployment of `gateway.cluster.replica.Replica` that `handle` calls."""

    def __init__(self, handle: DeploymentHandle[Any]):
        self._handle = handle
        self._streaming = handle.options(stream=True)

    async def ask(self, call: Call) -> AsyncGenerator[Part, None]:
        """Yields the parts of one replica's answer; closing this cancels the request there.

        Raises ReplicaLost, Busy, ReplicaUnavailable if no replica takes the request, and
        GatewayError for an exception within the replica.
        """
        answer: Any = self._streaming.stream.remote(call)
        try:
            async with asyncio.timeout(TAKEN_S):
                part = await anext(answer)
            yield part
            async for part in answer:
                yield part
        except TimeoutError:
            raise ReplicaUnavailable() from None
        except (RayError, RayServeException) as error:
            raise of_ray(error) from error
        finally:
            answer.cancel()

    async def ask_all(self, call: Call, timeout_s: float | None = None) -> list[Whole]:
        """Returns the answers of all replicas, at least one; raises ReplicaUnavailable."""
        asked = self._handle.broadcast("whole", call)
        try:
            found = await asked.results_async(timeout_s=timeout_s, return_exceptions=True)
        except (TimeoutError, RayServeException):
            raise ReplicaUnavailable() from None
        answers = [one for one in found if isinstance(one, Whole)]
        if not answers:
            raise ReplicaUnavailable()
        return answers


def of_ray(error: RayError | RayServeException) -> GatewayError:
    """Returns the gateway's error for one that Ray raises."""
    match error:
        case BackPressureError():
            return Busy("all replicas are at capacity", BUSY_RETRY_S)
        case RayTaskError():  # an exception within the replica, whose log has it
            return internal_error()
        case RayError():  # its process or its machine is gone, or can't be reached
            return ReplicaLost()
    return ReplicaUnavailable()  # none could be deployed, or the chosen one was removed
