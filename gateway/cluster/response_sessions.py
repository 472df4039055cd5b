"""Keeps conversations together that know themselves by the id of their last response."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from starlette.types import Message, Send

from gateway.cluster.routing.key import RoutingKey
from gateway.lru import LRUCache

PATH = "/v1/responses"
ID = re.compile(rb'"id":"(resp_\w+)"')
MAX_CHARS = 8 * 2**20  # of ids, which are 37 each: some 200,000 responses


class ResponseSessions:
    """The session that each response of `/v1/responses` belongs to.

    The router knows which replica has a session. A session begins with a response that names none.
    """

    def __init__(self) -> None:
        self._sessions: LRUCache[str] = LRUCache(MAX_CHARS)

    def of(self, path: str, key: RoutingKey) -> RoutingKey:
        """Returns `key` with the session of the response that a request for `path` names."""
        if not _is_of_responses(path):
            return key
        named = key.session or path.removeprefix(PATH).strip("/").partition("/")[0]
        return replace(key, session=self._sessions.get(named) or named or secrets.token_hex(8))

    def following(self, path: str, key: RoutingKey, send: Send) -> Send:
        """Returns a `send` that notes the id of the response that it sends."""
        if path != PATH:
            return send
        is_noted = False

        async def noting(message: Message) -> None:
            nonlocal is_noted
            if not is_noted and (found := ID.search(message.get("body", b""))):
                self._sessions[found[1].decode()] = key.session
                is_noted = True
            await send(message)

        return noting


def _is_of_responses(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")
