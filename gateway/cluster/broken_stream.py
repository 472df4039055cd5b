"""Ends a stream whose replica is gone, as the API that its path belongs to ends one."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.api.errors import ENVELOPES, envelope, for_path
from gateway.api.framing import EVENTS, LINES, NAMED_EVENTS, Framing
from gateway.chat.json import Object
from gateway.errors import GatewayError

RESPONSES = "/v1/responses"
FRAMINGS = {"/v1/messages": NAMED_EVENTS, RESPONSES: NAMED_EVENTS, "/api/": LINES}
# Within a string of JSON its quotes are escaped.
SEQUENCE_NUMBER = re.compile(rb'"sequence_number":(\d+)')


class StreamEnd:
    """Follows the stream of a response to a request for `path`, to be able to end it."""

    def __init__(self, path: str):
        self._path = path
        self._framing: Framing = for_path(path, FRAMINGS) or EVENTS
        self._sequence_number = -1

    def follow(self, frames: bytes) -> None:
        """Notes the number of the last event of `/v1/responses`, which are numbered."""
        if self._path.startswith(RESPONSES) and (found := SEQUENCE_NUMBER.findall(frames)):
            self._sequence_number = int(found[-1])

    def broken(self, error: GatewayError) -> bytes:
        """Returns the last frame: that of `error`."""
        enveloped: Callable[[GatewayError], Object] = for_path(self._path, ENVELOPES) or envelope
        if self._path.startswith(RESPONSES):
            return self._framing.frame(_event(error, self._sequence_number + 1))
        return self._framing.frame(enveloped(error))


def _event(error: GatewayError, sequence_number: int) -> Object:
    """https://platform.openai.com/docs/api-reference/responses-streaming/error"""
    return {
        "type": "error",
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "sequence_number": sequence_number,
    }
