"""What routing knows of a request, read from its path, headers and body."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from gateway.api.responses.ids import ORIGIN_CHARS
from gateway.chat.json import without_lone_surrogates
from gateway.cluster.routing.blocks import Blocks, blocks
from gateway.cluster.routing.prompt import Body, pieces

# Headers that name a conversation, with `_` as `-`: of Ray Serve, Claude Code, Codex, opencode.
SESSION_HEADERS = (
    b"x-session-id",
    b"x-claude-code-session-id",
    b"session-id",
    b"x-session-affinity",
)
MAX_SESSION_CHARS = 256
_LATEST = ":latest"  # which Ollama's clients add to a name
_RESPONSE = re.compile(rf"\bresp_([0-9a-f]{{{ORIGIN_CHARS}}})")
# Claude Code's `metadata.user_id` up to 2.1.85 ends so; later ones have JSON there.
_SESSION = re.compile(r'(?:_session_|"session_id": ?")([\w-]+)')


@dataclass(frozen=True, slots=True)
class RoutingKey:
    """The model's name as the client wrote it, the name of the conversation, the prompt's blocks.

    `origin` names the replica that made the response that is asked for or continued. What is ""
    is unknown, and without blocks nothing is known of the prompt.
    """

    model: str = ""
    session: str = ""
    blocks: Blocks = Blocks()
    origin: str = ""


def routing_key(path: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> RoutingKey:
    """Returns the key of a request; never raises. `headers` are as in an ASGI scope.

    A body that can't be read gives a key without blocks: the replica says what is wrong with it.
    """
    read = _read(body)
    model = _name(read.model)
    if path.startswith("/api/"):
        model = model.removesuffix(_LATEST)
    session = _header_session(headers) or _body_session(read)
    try:
        found = blocks(model, pieces(path, read))
    except (msgspec.DecodeError, RecursionError):
        found = Blocks()
    return RoutingKey(model, session, found, _origin(_name(read.previous_response_id) or path))


def _read(body: bytes) -> Body:
    try:
        return msgspec.json.decode(body, type=Body)
    except (msgspec.DecodeError, RecursionError):
        return _repaired(body)


def _repaired(body: bytes) -> Body:
    """The body without lone surrogates; an empty one if it is still no JSON, or no object."""
    text, count = without_lone_surrogates(body.decode("utf-8", "replace"))
    try:
        return msgspec.json.decode(text, type=Body) if count else Body()
    except (msgspec.DecodeError, RecursionError):
        return Body()


def _origin(text: str) -> str:
    """The origin in the id of a response."""
    found = _RESPONSE.search(text)
    return found[1] if found else ""


def _header_session(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The first of `SESSION_HEADERS` that is present."""
    found = {name.lower().replace(b"_", b"-"): value for name, value in headers}
    values = (found.get(name, b"").decode("latin-1") for name in SESSION_HEADERS)
    return next(filter(None, map(_name, values)), "")


def _body_session(body: Body) -> str:
    """The conversation that the body names.

    `user` is none: it names a person, or all of a program's requests. In `metadata.user_id`, a
    session is told from a user by Claude Code's way of writing it.
    """
    if session := _name(body.prompt_cache_key) or _name(body.previous_response_id):
        return session
    user = body.metadata.get("user_id") if isinstance(body.metadata, dict) else None
    found = _SESSION.search(user) if isinstance(user, str) else None
    return _name(found[1]) if found else ""


def _name(value: object) -> str:
    return value[:MAX_SESSION_CHARS] if isinstance(value, str) else ""
