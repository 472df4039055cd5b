"""Sends cases to a server with the OpenAI chat API."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import httpx

from gateway.errors import GatewayError
from gateway.evaluation.answer import Answer, of_completion, of_events
from gateway.evaluation.case import Case

PATH = "/chat/completions"
TIMEOUT_S = 600
# Statuses that every further request would get too; 424 is that of a model that can't be loaded.
FATAL = (401, 403, 404, 424)


@dataclass(frozen=True, slots=True)
class ChatClient:
    """Asks `model` behind `http`, whose base URL ends in `/v1`.

    Raises GatewayError if no request can succeed. Other failures are answers with an `error`.
    """

    http: httpx.AsyncClient
    model: str
    max_tokens: int | None = None

    async def ask(self, case: Case) -> Answer:
        """The answer to a request that is not streamed."""
        return await self._ask(case, stream=False)

    async def ask_streamed(self, case: Case) -> Answer:
        """The answer to the same request, streamed."""
        return await self._ask(case, stream=True)

    async def _ask(self, case: Case, stream: bool) -> Answer:
        body = {**case.request(self.model, self.max_tokens), "stream": stream}
        began = time.perf_counter()
        try:
            response = await self.http.post(PATH, json=body, timeout=TIMEOUT_S)
        except httpx.TimeoutException as error:
            return Answer(error=f"timed out: {error}")
        except httpx.HTTPError as error:
            raise GatewayError(f"no answer from {self.http.base_url}: {error}") from error
        seconds = time.perf_counter() - began
        if response.is_error:
            return self._refused(response)
        try:
            if stream:
                return of_events(response.text.splitlines(), seconds)
            return of_completion(response.json(), seconds)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return Answer(error=f"not a chat completion: {error!r}: {response.text[:200]}")

    def _refused(self, response: httpx.Response) -> Answer:
        message = f"status {response.status_code}: {_reason(response)}"
        if response.status_code in FATAL:
            raise GatewayError(f"{response.url}: {message}")
        return Answer(error=message)


def _reason(response: httpx.Response) -> str:
    """The message of an error in the API's envelope, or the beginning of the body."""
    try:
        return str(response.json()["error"]["message"])
    except (json.JSONDecodeError, LookupError, TypeError):
        return response.text[:200]
