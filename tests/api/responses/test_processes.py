"""Processes that share a database: they start together, write together, and are killed."""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import pytest

from gateway.api.responses.stored.store import ResponseStore
from tests.api.responses.conftest import SHARED
from tests.api.responses.databases import Storage, database

pytestmark = pytest.mark.parametrize("storage", SHARED, indirect=True)

WRITERS = 3
PLENTY = 2**30
WRITER = """
import json, sys
from itertools import count
from gateway.api.responses.stored.store import ResponseStore
from tests.api.responses.databases import database, item, response
name, storage, max_bytes = sys.argv[1:]
input()
store = ResponseStore(database(json.loads(storage)), max_bytes=int(max_bytes))
print(store.key.hex(), flush=True)
for number in count():
    id = f"{name}-{number}"
    store.put("a", response(id, item(f"a-{id}", "x" * 1000)), [item(f"q-{id}")])
    print(id, flush=True)
"""


class Writer:
    """A process that stores one response after another, once it is told to `begin`."""

    def __init__(self, name: int, storage: Storage, max_bytes: int):
        command = [sys.executable, "-c", WRITER, str(name), json.dumps(storage), str(max_bytes)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line
        return line.strip()

    def kill(self) -> list[str]:
        """Kills the process; returns the complete lines that it wrote since."""
        assert self._process.stdout
        self._process.kill()
        output = self._process.stdout.read()
        self._process.communicate()
        return output.split("\n")[:-1]


def begun(storage: Storage, max_bytes: int) -> list[Writer]:
    """Writers that open the database at the same time."""
    writers = [Writer(name, storage, max_bytes) for name in range(WRITERS)]
    for writer in writers:
        writer.begin()
    return writers


def test_killed_processes_lose_nothing_that_was_stored(storage: Storage) -> None:
    chance, keys, stored = Random(3), set[str](), list[str]()
    for _ in range(2):
        writers = begun(storage, PLENTY)
        keys |= {writer.line() for writer in writers}
        for writer in writers:
            stored += [writer.line() for _ in range(chance.randrange(5, 30))]
            stored += writer.kill()
    store = ResponseStore(database(storage), max_bytes=PLENTY)
    assert keys == {store.key.hex()}
    for id in stored:
        assert [one["id"] for one in store.conversation("a", id)] == [f"q-{id}", f"a-{id}"]
    assert_consistent(storage, PLENTY)
    store.close()


def test_bound_holds_for_all_processes_together(storage: Storage) -> None:
    max_bytes = 20_000
    writers = begun(storage, max_bytes)
    for writer in writers:
        for _ in range(20):
            writer.line()
    for writer in writers:
        writer.kill()
    assert_consistent(storage, max_bytes)


def assert_consistent(storage: Storage, max_bytes: int) -> None:
    """Asserts that bytes are counted exactly, and that each response has its two items."""
    opened = database(storage)
    with opened.transaction() as transaction:
        [(total,)] = transaction.execute("SELECT bytes FROM total")
        [(sum_, count)] = transaction.execute("SELECT SUM(bytes), COUNT(*) FROM responses")
        incomplete = transaction.execute(
            "SELECT id FROM responses WHERE"
            " (SELECT COUNT(*) FROM items WHERE response = responses.id) <> 2"
        )
        [(items,)] = transaction.execute("SELECT COUNT(*) FROM items")
    opened.close()
    assert total == sum_
    assert 0 < total <= max_bytes
    assert (incomplete, items) == ([], 2 * count)
