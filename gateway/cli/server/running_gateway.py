"""A client of a gateway that runs in another process."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.errors import GatewayError
from gateway.evaluation.answer import chunks

AT_ONCE_S = 0.3
KEY = "TOOL_GATEWAY_KEY"  # the environment variable that has the API key
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S = 5.0
# Closes a connection by a reset. Source: socket(7).
RESET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class NoGateway(GatewayError):
    """Nothing answers at the URL, or something that is no gateway."""


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The gateway at `url`; its API key, if it requires one, is in the environment.

    All methods raise NoGateway if there is none, and GatewayError if it answers late or with an
    error.
    """

    url: str
    key: str = field(default_factory=lambda: os.environ.get(KEY, ""), repr=False)

    def json(self, path: str, timeout_s: float = TIMEOUT_S) -> Any:
        """Returns the JSON that the gateway has at `path`."""
        return self._decoded(self._send("GET", path, timeout_s=timeout_s))

    def states(self) -> dict[str, str]:
        """Returns the state of each model by its name; none if no gateway answers at once."""
        try:
            models = self.json("/v1/models", timeout_s=AT_ONCE_S)["data"]
            return {model["id"]: model["state"] for model in models}
        except (GatewayError, LookupError, TypeError):
            return {}

    def text(self, path: str, timeout_s: float | None = TIMEOUT_S) -> str:
        return self._send("GET", path, timeout_s=timeout_s).text

    def post(self, path: str, body: Any = None) -> Any:
        """Returns the JSON that the gateway answers to a POST, however late."""
        return self._decoded(self._send("POST", path, body, timeout_s=None))

    def submit_captured(self, path: str, body: Any, request_id: str) -> None:
        """Sends a POST that is to be captured under an id, and waits for the end of its answer."""
        headers = {"x-request-id": request_id, "x-capture": "true"}
        self._send("POST", path, body, timeout_s=None, headers=headers)

    def stream(self, path: str, body: Any, id: str) -> Generator[dict[str, Any], None, None]:
        """Yields the objects of the event stream that answers a POST, the request `id`.

        Closing the generator resets the connection, which cancels the request at once. After an
        ordinary close, the gateway can't tell a client that is gone from one that only listens.
        """
        timeout = httpx.Timeout(TIMEOUT_S, read=None)
        try:
            with (
                self._client(timeout, httpx.HTTPTransport(socket_options=[RESET])) as http,
                http.stream(
                    "POST", self._url(path), json=body, headers={"x-request-id": id}
                ) as answer,
            ):
                if answer.is_error:
                    answer.read()
                    raise _refusal(answer)
                for chunk in chunks(answer.iter_lines()):
                    if error := chunk.get("error"):
                        raise GatewayError(error["message"], code=error.get("code"))
                    yield chunk
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise GatewayError(f"the answer of {self.url} broke off: {error}") from error

    def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        timeout_s: float | None = TIMEOUT_S,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            with self._client(httpx.Timeout(TIMEOUT_S, read=timeout_s)) as http:
                answer = http.request(method, self._url(path), json=body, headers=headers)
        except httpx.ReadTimeout as error:
            raise GatewayError(
                f"the server at {self.url} gave no answer within {timeout_s:g} s; try again, or"
                " give the gateway's URL with --url"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoGateway(
                f"no gateway at {self.url}: {str(error).rstrip('.')}; start one with"
                " `tool-gateway serve`, or give its URL with --url"
            ) from error
        if answer.is_error:
            raise _refusal(answer)
        return answer

    def _client(
        self, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None
    ) -> httpx.Client:
        """A client that has the API key; no proxy leads to this machine."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        is_here = httpx.URL(self.url).host in LOOPBACK
        return httpx.Client(
            headers=headers, timeout=timeout, trust_env=not is_here, transport=transport
        )

    def _url(self, path: str) -> str:
        return self.url.rstrip("/") + path

    def _decoded(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise NoGateway(
                f"{answer.url} is no gateway; give the gateway's URL with --url"
            ) from error


def _refusal(answer: httpx.Response) -> GatewayError:
    """The error in the gateway's envelope, or the status of another server, with its cure."""
    returned = f"{answer.url} returned {answer.status_code}"
    if answer.status_code in (401, 403):
        return GatewayError(f"{returned}; set its API key in {KEY}")
    try:
        return GatewayError(answer.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return NoGateway(f"{returned}; give the gateway's URL with --url")
