"""The captures in memory are bounded, and each belongs to one owner."""

from __future__ import annotations

import asyncio

from gateway.observe.capture.capture import Capture
from gateway.observe.capture.latest import LatestCaptures


def captures(latest: LatestCaptures, *ids: str, owner: str = "") -> list[Capture]:
    """Begins captures with these ids."""
    found = [Capture(id, "/v1/chat/completions", owner=owner) for id in ids]
    for capture in found:
        latest.add(capture)
    return found


def ids(latest: LatestCaptures, owner: str = "") -> list[str]:
    return [capture.id for capture in latest.of(owner)]


async def test_the_oldest_captures_give_way() -> None:
    latest = LatestCaptures(max_captures=2)
    captures(latest, "a", "b", "c")
    assert ids(latest) == ["c", "b"]
    assert latest.find("", "a") is None


async def test_the_bytes_of_finished_captures_are_bounded() -> None:
    latest = LatestCaptures(max_bytes=100)
    for capture in captures(latest, "a", "b", "c"):
        latest.finish(capture, 40)
    assert ids(latest) == ["c", "b"]
    [big] = captures(latest, "big")
    latest.finish(big, 101)
    assert ids(latest) == []


async def test_a_later_request_with_the_same_id_replaces_the_earlier() -> None:
    latest = LatestCaptures(max_bytes=100)
    first, second = captures(latest, "a", "a")
    latest.finish(first, 1000)
    latest.remove(first)
    assert latest.find("", "a") is second
    latest.remove(second)
    assert ids(latest) == []


async def test_owners_have_captures_of_their_own() -> None:
    latest = LatestCaptures()
    [hers], [his] = captures(latest, "a", owner="alice"), captures(latest, "a", owner="bob")
    assert (latest.of("alice"), latest.of("bob"), latest.of("")) == ([hers], [his], [])


async def test_a_capture_that_begins_later_is_waited_for() -> None:
    latest = LatestCaptures()
    waiting = asyncio.create_task(latest.wait_for("", "b", 60))
    await asyncio.sleep(0)
    _, second = captures(latest, "a", "b")
    assert await waiting is second
    assert await latest.wait_for("", "c", 0) is None
