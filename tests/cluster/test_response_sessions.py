"""Conversations of `/v1/responses` stay together."""

from __future__ import annotations

from typing import Any

from gateway.cluster.response_sessions import PATH, ResponseSessions
from gateway.cluster.routing.key import RoutingKey


async def sent(sessions: ResponseSessions, key: RoutingKey, *bodies: bytes) -> RoutingKey:
    """Sends a response to a request with `key`; returns its key."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    found = sessions.of(PATH, key)
    following = sessions.following(PATH, found, send)
    for body in bodies:
        await following({"type": "http.response.body", "body": body})
    assert [message["body"] for message in messages] == [*bodies]
    return found


async def test_each_turn_has_the_session_of_the_first() -> None:
    sessions = ResponseSessions()
    first = await sent(sessions, RoutingKey(), b'{"id":"resp_1"}')
    second = await sent(sessions, RoutingKey(session="resp_1"), b": ping", b'{"id":"resp_2"}')
    third = await sent(sessions, RoutingKey(session="resp_2"), b'{"id":"resp_3"}')
    assert first.session == second.session == third.session != ""
    assert sessions.of(f"{PATH}/resp_2/cancel", RoutingKey()).session == first.session


async def test_conversations_that_name_nothing_are_told_apart() -> None:
    sessions = ResponseSessions()
    one, other = [await sent(sessions, RoutingKey()) for _ in range(2)]
    assert one.session != other.session


async def test_a_session_that_is_named_stays() -> None:
    sessions = ResponseSessions()
    assert (await sent(sessions, RoutingKey(session="mine"), b'{"id":"resp_1"}')).session == "mine"
    assert sessions.of(f"{PATH}/resp_1", RoutingKey()).session == "mine"


def test_an_unknown_response_names_itself() -> None:
    assert ResponseSessions().of(f"{PATH}/resp_9", RoutingKey()).session == "resp_9"


def test_other_paths_keep_their_key() -> None:
    key = RoutingKey(model="m")
    assert ResponseSessions().of("/v1/chat/completions", key) is key
