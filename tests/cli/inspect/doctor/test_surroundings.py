"""The port, the folder of downloads, the hub."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from gateway.cli.inspect.doctor.surroundings import findings
from gateway.cli.inspect.finding import Finding, Level
from tests.fakes import Script, scripted
from tests.served import served


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "not/there/yet"))
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which something listens that is no gateway."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as door:
        yield door.getsockname()[1]


def by_subject(port: int, *, online: bool = False) -> dict[str, Finding]:
    return {one.subject.split()[0]: one for one in findings(port, online=online)}


def test_a_free_port_is_fine(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert by_subject(port)["port"] == Finding(f"port {port}", "free")


def test_a_gateway_at_the_port_is_fine() -> None:
    with served(Script([scripted("Hi")])) as url:
        found = by_subject(int(url.rpartition(":")[2]))["port"]
    assert (found.level, found.text.partition(";")[0]) == (Level.OK, "a gateway is running here")


def test_another_program_at_the_port_is_noted(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr("gateway.cli.inspect.doctor.surroundings.GATEWAY_S", 0.1)
    found = by_subject(taken)["port"]
    assert (found.level, found.cure) == (Level.NOTE, f"tool-gateway serve --port {taken + 1}")


@pytest.mark.parametrize(("free_gb", "level"), [(11, Level.OK), (9, Level.NOTE)])
def test_little_space_for_downloads_is_noted(
    free_gb: int, level: Level, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free_gb * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr("gateway.cli.inspect.doctor.surroundings.GATEWAY_S", 0.1)
    found = by_subject(taken)["downloads"]
    assert (found.level, f"{free_gb}.0 GB free" in found.text) == (level, True)


def test_a_folder_that_cannot_be_written_is_a_problem(
    cache: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != cache)
    monkeypatch.setattr("gateway.cli.inspect.doctor.surroundings.GATEWAY_S", 0.1)
    found = by_subject(taken)["downloads"]
    assert (found.level, found.text) == (Level.PROBLEM, f"{cache} can't be written")


def test_the_hub_is_asked_only_if_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Script([scripted("Hi")])) as url:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        port = int(url.rpartition(":")[2])
        assert "hub" not in by_subject(port)
        assert by_subject(port, online=True)["hub"].text.startswith(
            f"{url} answers with status 200"
        )
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert by_subject(port, online=True)["hub"].level is Level.PROBLEM
