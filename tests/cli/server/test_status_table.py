"""The table of `tool-gateway ps`."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.cli.server.running_gateway import RunningGateway
from gateway.cli.server.status_table import TITLES, rows, watch
from gateway.engine.engine import EngineStats
from gateway.models.handle import State, Status
from gateway.models.progress import LoadProgress
from gateway.models.registry import Registry
from tests.cli.terminal import ended, terminal
from tests.fakes import Script, chat, scripted
from tests.served import served

QUARTER = ["m: 25 % of 4.0 GB, 30 MB/s, 2 min left"]


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


def test_a_cluster_has_a_row_for_each_replica() -> None:
    models = {"data": [{"id": "m", "state": "ready"}]}
    numbers = {
        "context_tokens": 1024,
        "context_used_tokens": 512,
        "requests_waiting": 1,
        "sequences_waiting": 2,
        "sequences_running": 3,
        "tokens_per_second": 4.5,
        "worker_resident_memory_bytes": 2**20,
    }
    labels = '{model="m",replica="b"}'
    metrics = "".join(f"tool_gateway_{name}{labels} {value}\n" for name, value in numbers.items())
    progress = {"m": {"stage": "loading", "share": 0.5}}
    replicas: dict[str, dict[str, Any]] = {
        "b": {"states": {"m": "ready"}},
        "a": {"states": {"m": "loading"}, "progress": progress},
    }
    assert rows(models, metrics, replicas) == [
        ("a", "m", "loading 50%", "", "", "", "", ""),
        ("b", "m", "ready", "1 MiB", "3", "3", "512/1024 (50%)", "4.5"),
    ]


def test_how_far_a_model_is_that_loads_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    half = LoadProgress("loading", 0.5)
    quarter = LoadProgress("downloading", 0.25, 10**9, 4 * 10**9, 3e7)
    shown = {half: (["m", "loading", "50%"], []), quarter: (["m", "downloading", "25%"], QUARTER)}
    with served(Script([scripted("Hi")])) as url:
        for progress, (expected, lines) in shown.items():
            status = Status(State.LOADING, progress=progress)
            monkeypatch.setattr(Registry, "status", lambda *_, status=status: status)
            watch(RunningGateway(url), once=True)
            _, model, *below = capsys.readouterr().out.splitlines()
            assert (model.split(), below) == (expected, lines)


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (100, TITLES),
        (60, TITLES[:-1]),
        (40, TITLES[:4]),
        (10, TITLES[:2]),
    ],
)
def test_columns_are_left_out_on_a_narrow_terminal(columns: int, titles: tuple[str, ...]) -> None:
    stats = EngineStats(2, 1, 1024, 4, 12.5)
    with served(Script([scripted("Hi")], stats=stats, resident_bytes=300 * 2**20)) as url:
        httpx.post(f"{url}/v1/chat/completions", json=chat()).raise_for_status()
        with terminal("ps", "--once", "--url", url, columns=columns) as process:
            status, shown = ended(process)
    lines = shown.splitlines()
    assert status == 0
    assert len(lines) == 2
    assert lines[0].split() == [*titles] or columns == 10
    assert max(map(len, lines)) <= columns


def test_faults_are_listed_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Script([scripted("Hi")]), source="no/such.gguf") as url:
        httpx.post(f"{url}/v1/chat/completions", json=chat())
        watch(RunningGateway(url), once=True)
    _, model, wrong = capsys.readouterr().out.splitlines()
    assert model.split() == ["m", "failed"]
    assert wrong.startswith("m: models.m: ")
    assert "there is no file" in wrong
