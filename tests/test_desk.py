"""Who comes in a crowd is served one by one, and others in between."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from gateway.concurrency import LARGE, Serializer


async def test_others_have_their_turn_between_two_pieces_of_work() -> None:
    serializer, done, seen = Serializer(), list[int](), list[int]()

    async def look() -> None:
        while len(done) < 5:
            seen.append(len(done))
            await asyncio.sleep(0)

    pieces = (serializer.run(partial(done.append, i), 1) for i in range(5))
    await asyncio.gather(look(), *pieces)
    assert done == [0, 1, 2, 3, 4]
    assert set(seen) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("size", "is_aside"), [(LARGE, False), (LARGE + 1, True)])
async def test_large_work_is_done_in_a_thread(size: int, is_aside: bool) -> None:
    thread = await Serializer().run(threading.get_ident, size)
    assert (thread != threading.get_ident()) == is_aside


async def test_what_fails_makes_room_for_the_next() -> None:
    serializer = Serializer()
    with pytest.raises(ZeroDivisionError):
        await serializer.run(lambda: 1 // 0, 1)
    assert await serializer.run(lambda: 2, 1) == 2
