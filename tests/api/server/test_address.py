"""Where the gateway listens: a port that is taken, a host that does not exist, a public address."""

from __future__ import annotations

import socket

import pytest

from gateway.api.server.address import check_address, listen, url_of
from gateway.errors import ConfigError


def test_every_address_of_a_host_is_listened_on_with_one_port() -> None:
    sockets = listen("localhost", 0)
    ports = {one.getsockname()[1] for one in sockets}
    for one in sockets:
        with socket.create_connection(one.getsockname()[:2], timeout=10):
            one.close()
    assert len(ports) == 1


def test_busy_port_is_named_with_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"port {port} is in use; --port (\d+) is free"
        ) as told:
            listen("127.0.0.1", port)
    free = int(str(told.value).split()[-3])
    for one in listen("127.0.0.1", free):
        one.close()


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("no-such-host.invalid", "cannot be resolved"),
        ("192.0.2.1", "is no address of this machine"),
    ],
)
def test_wrong_host_is_reported_with_the_cure(host: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"{host}.* {reason}.*0"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("", "http://0.0.0.0:80")],
)
def test_url_of_an_address(host: str, url: str) -> None:
    assert url_of(host, 80) == url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_address_requires_no_keys(host: str) -> None:
    check_address(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "models.example"])
def test_public_address_requires_keys_or_insecure(host: str) -> None:
    with pytest.raises(ConfigError, match=r"tool-gateway key .*--keys .*127.0.0.1.*--insecure"):
        check_address(host)
