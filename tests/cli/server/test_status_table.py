"""The table of `tool-gateway ps`."""

from __future__ import annotations

import httpx
import pytest

from gateway.cli.server.running_gateway import RunningGateway
from gateway.cli.server.status_table import TITLES, rows, watch
from gateway.engine.engine import EngineStats
from tests.fakes import Script, chat, scripted
from tests.served import served


def test_without_a_terminal_the_table_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    stats = EngineStats(2, 1, 1024, 4, 12.5)
    with served(Script([scripted("Hi")], stats=stats, resident_bytes=300 * 2**20)) as url:
        watch(RunningGateway(url), once=True)
        before = capsys.readouterr().out
        httpx.post(f"{url}/v1/chat/completions", json=chat()).raise_for_status()
        watch(RunningGateway(f"{url}/"))
    titles, model = capsys.readouterr().out.splitlines()
    assert before.split() == [*TITLES, "m", "unloaded"]
    assert titles.split() == [*TITLES]
    expected = ["m", "ready", "300", "MiB", "2", "1", "1024/4096", "(25%)", "12.5"]
    assert model.split() == expected


def test_the_state_of_a_model_is_shown_as_reported() -> None:
    models = {"data": [{"id": "a", "state": "loading"}, {"id": "b", "state": "failed"}]}
    assert [row[:2] for row in rows(models, "")] == [("a", "loading"), ("b", "failed")]


def test_faults_are_listed_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Script([scripted("Hi")]), source="no/such.gguf") as url:
        httpx.post(f"{url}/v1/chat/completions", json=chat())
        watch(RunningGateway(url), once=True)
    _, model, wrong = capsys.readouterr().out.splitlines()
    assert model.split() == ["m", "failed"]
    assert wrong.startswith("m: models.m: ")
    assert "there is no file" in wrong
