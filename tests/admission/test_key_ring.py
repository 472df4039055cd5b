from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.admission.api_keys import Key, new_key
from gateway.admission.key_ring import KeyRing
from gateway.errors import ConfigError
from tests.clock import skips_waits
from tests.fakes import until

ALICE, BOB, CAROL = (new_key(name)[1] for name in ("alice", "bob", "carol"))


def write(path: Path, *keys: Key) -> Path:
    path.write_text("\n".join(map(str, keys)))
    return path


def test_the_keys_are_those_given_and_those_of_the_file(tmp_path: Path) -> None:
    assert list(KeyRing((ALICE,), write(tmp_path / "keys", BOB)).limits) == [ALICE, BOB]
    assert not KeyRing().limits


@pytest.mark.parametrize("content", ["", "\n# no key\n", "tg-secret"])
def test_a_file_without_a_key_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(ConfigError, match=str(tmp_path)):
        KeyRing((ALICE,), tmp_path / "keys")


@skips_waits
async def test_the_keys_follow_the_file_while_it_is_valid(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "keys", ALICE, BOB)
    ring = KeyRing((), path)
    limit = ring.limits[BOB]
    watching = asyncio.create_task(ring.watch())
    write(path, BOB, CAROL)
    await until(lambda: CAROL in ring.limits)
    assert list(ring.limits) == [BOB, CAROL]
    assert ring.limits[BOB] is limit
    path.write_text("")
    await until(lambda: "has no API key" in caplog.text)
    assert list(ring.limits) == [BOB, CAROL]
    path.unlink()
    await until(lambda: "cannot read" in caplog.text)
    assert list(ring.limits) == [BOB, CAROL]
    write(path, ALICE)
    await until(lambda: ALICE in ring.limits)
    assert list(ring.limits) == [ALICE]
    watching.cancel()


async def test_a_pipe_is_read_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, str(ALICE).encode())
    os.close(writing)
    ring = KeyRing((), Path(f"/dev/fd/{reading}"))
    await ring.watch()
    os.close(reading)
    assert list(ring.limits) == [ALICE]
