"""A database that is away or silent: what needs it fails clearly, all else goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from gateway.api.responses.stored import access, sqlite
from gateway.api.responses.stored.database import DatabaseError
from gateway.api.responses.stored.opening import open_store
from gateway.api.responses.stored.postgres import PostgresDatabase
from gateway.api.responses.stored.store import ResponseStore
from gateway.config.responses import ResponseStorage
from gateway.errors import ConfigError
from tests.api.responses.asking import asking
from tests.api.responses.conftest import POSTGRES
from tests.api.responses.databases import Storage, database, put
from tests.api.responses.test_background import finished
from tests.api.responses.test_several_gateways import has_status
from tests.api.responses.test_stored import ENDLESS, Gateway, create
from tests.e2e.conftest import unused_port
from tests.fakes import Script, chat, scripted, until
from tests.postgres import Server

in_file = pytest.mark.parametrize("storage", ["file"], indirect=True)
in_postgres = pytest.mark.parametrize("storage", [POSTGRES], indirect=True)


@in_postgres
async def test_gateway_goes_on_without_its_database_and_finds_it_again(
    gateway: Gateway, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(scripted("Hi.")) as client:
        made = await create(client)
        path = f"/responses/{made['id']}"
        server.stop()
        try:
            unstored = await create(client)
            assert unstored["status"] == "completed"
            refused = [
                await client.get(path),
                await client.get(f"{path}/input_items"),
                await client.delete(path),
                await client.post(f"{path}/cancel"),
                await client.post("/responses", json=asking(previous_response_id=made["id"])),
                await client.post("/responses", json=asking(background=True)),
                await client.post("/responses", json=asking(input=[{"id": "msg_1"}])),
            ]
        finally:
            server.start()
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["error"]["code"] == "store_unavailable"
        assert (await client.get(path)).json() == made
        assert (await client.get(f"/responses/{unstored['id']}")).status_code == 404
    assert f"the response {unstored['id']} is not stored" in caplog.text
    assert caplog.text.count("stored responses are not available: ") == 1
    assert caplog.text.count("stored responses are available again") == 1


@in_postgres
async def test_background_response_that_ends_meanwhile_is_stored_later(
    gateway: Gateway, server: Server
) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as one, gateway(script) as other:
        path = f"/responses/{(await create(one, background=True))['id']}"
        await until(lambda: script.running)
        server.stop()
        try:
            assert (await one.post(f"{path}/cancel")).json()["status"] == "cancelled"
            assert (await one.get(path)).json()["status"] == "cancelled"
        finally:
            server.start()
        await has_status(other, path, "cancelled")


@in_postgres
async def test_database_that_is_silent_blocks_nobody(
    gateway: Gateway, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MAX_WAIT_S", 0.2)
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client))['id']}"
        with server.frozen():
            reads = [client.get(path) for _ in range(3 * access.THREADS)]
            assert {answer.status_code for answer in await asyncio.gather(*reads)} == {503}
            assert (await client.post("/chat/completions", json=chat())).status_code == 200
            assert (await create(client))["status"] == "completed"
        monkeypatch.undo()
        assert (await client.get(path)).status_code == 200


@in_postgres
def test_gateway_that_stops_within_a_transaction_blocks_others_only_for_a_while(
    storage: Storage,
) -> None:
    stopped, store = PostgresDatabase(storage["url"]), ResponseStore(database(storage))

    def goes_on_after_another_has_written() -> None:
        with stopped.transaction(writes=True) as transaction:
            put(store, "1")
            transaction.execute("SELECT 1")

    with pytest.raises(DatabaseError):
        goes_on_after_another_has_written()
    assert store.response("a", "1")
    stopped.close()
    store.close()


@pytest.mark.postgres
def test_wrong_password_is_an_error_without_the_password(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    with pytest.raises(ConfigError, match=r"responses\.url can't be used: .*password auth") as told:
        open_store(ResponseStorage(url=server.tcp_url), tmp_path)
    assert "s3cret" not in told.value.message


def test_gateway_does_not_start_without_its_database(tmp_path: Path) -> None:
    url = f"postgresql://127.0.0.1:{unused_port()}/gateway"
    with pytest.raises(ConfigError, match=r"responses\.url can't be used: .*refused"):
        open_store(ResponseStorage(url=url), tmp_path)


def test_missing_library_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, PostgresDatabase.__module__)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"psycopg is missing; .*tool-gateway\[postgres\]"):
        open_store(ResponseStorage(url="postgresql://db/gateway"), tmp_path)


@in_file
async def test_file_that_another_process_holds_is_tried_again(
    storage: Storage,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sqlite, "MAX_WAIT_S", 0.05)
    async with gateway(scripted("Hi.")) as client:
        other = sqlite3.connect(storage["file"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        made = await create(client)
        assert f"the response {made['id']} is not stored" in caplog.text
        assert "not available: database is locked" in caplog.text
        refused = await client.post("/responses", json=asking(background=True))
        assert refused.json()["error"]["code"] == "store_unavailable"
        other.execute("ROLLBACK")
        other.close()
        found = await finished(client, (await create(client, background=True))["id"])
    assert found["status"] == "completed"


@in_file
def test_process_waits_for_the_writes_of_another(storage: Storage) -> None:
    store = ResponseStore(database(storage))
    other = sqlite3.connect(storage["file"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writing = threading.Thread(target=put, args=(store, "1"))
    writing.start()
    other.execute("COMMIT")
    writing.join()
    assert store.response("a", "1")
    other.close()
    store.close()
