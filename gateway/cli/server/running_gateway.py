"""A client of a gateway that runs in another process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.errors import GatewayError

KEY = "TOOL_GATEWAY_KEY"  # the environment variable that has the API key


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The gateway at `url`; its API key, if it requires one, is in the environment.

    All methods raise GatewayError if it does not answer, or answers with an error.
    """

    url: str
    key: str = field(default_factory=lambda: os.environ.get(KEY, ""), repr=False)

    def json(self, path: str) -> Any:
        """Returns the JSON that the gateway has at `path`."""
        return self._decoded(self._send("GET", path))

    def text(self, path: str) -> str:
        return self._send("GET", path).text

    def post(self, path: str) -> Any:
        """Returns the JSON that the gateway answers to a POST without a body, however late."""
        return self._decoded(self._send("POST", path, timeout_s=None))

    def _send(self, method: str, path: str, timeout_s: float | None = 5) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        url = self.url.rstrip("/") + path
        try:
            answer = httpx.request(method, url, headers=headers, timeout=timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayError(
                f"no gateway at {self.url}: {str(error).rstrip('.')}; start one with"
                " `tool-gateway serve`, or give its URL with --url"
            ) from error
        if answer.is_error:
            raise GatewayError(f"{url} returned {answer.status_code}{_reason(answer)}")
        return answer

    def _decoded(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise GatewayError(
                f"{answer.url} is no gateway; give the gateway's URL with --url"
            ) from error


def _reason(answer: httpx.Response) -> str:
    """The message of an error in the gateway's envelope, with its cure."""
    if answer.status_code in (401, 403):
        return f"; set its API key in {KEY}"
    try:
        return f": {answer.json()['error']['message']}"
    except (ValueError, LookupError, TypeError):
        return "; give the gateway's URL with --url"
