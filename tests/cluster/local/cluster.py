"""A Ray cluster of its own on this machine, which runs the gateway for the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from tests.cluster.local.driver import ENVIRONMENT

PATIENCE_S = 120.0  # for what takes seconds on an idle machine
POLL_S = 0.1
TITLE = "ray::ServeReplica:tool-gateway:"  # of the process of a replica, then its deployment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The gateway at `url`, whose Ray processes are children of `driver`."""

    url: str
    driver: subprocess.Popen[str]
    log: Path

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S)

    def get(self, path: str) -> httpx.Response:
        with self.http as http:
            return http.get(path)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        with self.http as http:
            return http.post(path, json=body, headers=headers)

    def replicas(self) -> set[str]:
        """The ids of the replicas that answer; none while nothing does."""
        found = self.get("/health")
        return set(found.json()["replicas"]) if found.is_success else set()

    def processes(self, deployment: str = "gateway") -> list[psutil.Process]:
        """The processes of a deployment's replicas."""
        found = psutil.Process(self.driver.pid).children(recursive=True)
        return [one for one in found if _title(one).startswith(f"{TITLE}{deployment}")]

    def scale(self, replicas: int) -> None:
        """Returns when there are as many replicas, and those that were removed are gone."""
        assert self.driver.stdin
        self.driver.stdin.write(f"{replicas}\n")
        self.driver.stdin.flush()
        self.await_ready()
        until(lambda: len(self.processes()) == len(self.replicas()) == replicas)

    def await_ready(self) -> None:
        """Returns when the driver says that it is done; shows its log if it ends instead."""
        assert self.driver.stdout
        for line in self.driver.stdout:
            if line.strip() == "ready":
                return
        raise AssertionError(self.log.read_text()[-5000:])


def until(is_so: Callable[[], T]) -> T:
    """Returns what `is_so` returns as soon as that is true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if found := is_so():
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"{is_so} did not become true")


@contextmanager
def cluster(models_yaml: str, *numbers: int) -> Iterator[Cluster]:
    """A cluster for the context; `numbers` are those of the driver."""
    folder = Path(tempfile.mkdtemp(prefix="tg", dir="/tmp"))  # Ray's sockets need a short path
    config, log = folder / "models.yaml", folder / "log"
    config.write_text(models_yaml)
    port = _free_port()
    command = [sys.executable, "-m", "tests.cluster.local.driver", str(port), str(folder)]
    with log.open("w") as errors:
        driver = subprocess.Popen(
            [*command, str(config), *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )
    try:
        running = Cluster(f"http://127.0.0.1:{port}", driver, log)
        running.await_ready()
        yield running
    finally:
        _end(driver)
        shutil.rmtree(folder, ignore_errors=True)


def _end(driver: subprocess.Popen[str]) -> None:
    """Ends the driver and whatever it has started."""
    started = psutil.Process(driver.pid).children(recursive=True) if driver.poll() is None else []
    try:
        driver.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.communicate()
    for process in psutil.wait_procs(started, timeout=10)[1]:
        process.kill()


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
