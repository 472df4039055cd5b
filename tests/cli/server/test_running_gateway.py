"""The client of a running gateway, and the commands that are little more than a request."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gateway.admission.api_keys import new_key
from gateway.cli.server.running_gateway import KEY, NoGateway, RunningGateway
from gateway.cli.server.stop import stop
from gateway.errors import GatewayError
from tests.fakes import Script, scripted
from tests.served import served

SECRET, ALICE = new_key("alice")


@pytest.fixture
def url() -> Iterator[str]:
    with served(Script([scripted("Hi")]), keys=[ALICE], aliases=("an/alias",)) as url:
        yield url


def test_api_key_of_the_environment_is_sent(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GatewayError, match=rf"models returned 401; set its API key in {KEY}"):
        RunningGateway(url).json("/v1/models")
    monkeypatch.setenv(KEY, SECRET)
    assert RunningGateway(f"{url}/").json("/v1/models")["data"][0]["id"] == "m"


def test_stop_unloads_a_model(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    gateway = RunningGateway(url)
    gateway.post("/v1/models/m/load")
    stop("an/alias", url)
    assert capsys.readouterr().out == "m is unloaded\n"
    assert gateway.json("/v1/models/m")["state"] == "unloaded"
    with pytest.raises(GatewayError, match=r"^no model 'x'; models\.yaml has 'm'"):
        stop("x", url)


@pytest.mark.parametrize(
    "wrong", ["http://127.0.0.1:9", "http://no-such-host.invalid", "127.0.0.1:8000", "http://[", ""]
)
def test_wrong_url_is_reported_with_the_cure(wrong: str) -> None:
    with pytest.raises(GatewayError, match=r"no gateway at .*; start one with .*--url"):
        RunningGateway(wrong).json("/health")


@pytest.mark.parametrize("path", ["/docs", "/nowhere"])
def test_url_of_something_else_is_reported_with_the_cure(
    url: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    with pytest.raises(GatewayError, match=r"is no gateway|no route GET /nowhere"):
        RunningGateway(url).json(path)


def test_a_server_that_is_silent_is_not_taken_for_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        with pytest.raises(GatewayError, match=rf"{url} gave no answer within 0\.1 s") as caught:
            RunningGateway(url).json("/health", timeout_s=0.1)
    assert not isinstance(caught.value, NoGateway)
