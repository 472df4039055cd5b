"""A PostgreSQL server of the tests' own; `make test-postgres` installs the program."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from tests.e2e.conftest import unused_port

USER = "gateway"


@dataclass(frozen=True, slots=True)
class Server:
    """A server whose files are in `folder`. At `port` it asks for passwords, at its socket not."""

    folder: Path
    port: int
    _numbers: Iterator[int]

    def new_schema(self) -> str:
        """Creates an empty schema; returns the URL of a database that is this schema."""
        name = f"responses_{next(self._numbers)}"
        with psycopg.connect(self._url) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self._url}&options=-csearch_path%3D{name}"

    @property
    def tcp_url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._control("start", "-w", "-o", options, "-l", self.folder / "log")

    def stop(self) -> None:
        """Stops the server at once, and so ends every connection."""
        self._control("stop", "-w", "-m", "immediate")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stops all processes of the server, as if its machine were silent, and continues them."""
        [pid, *_] = (self.folder / "data/postmaster.pid").read_text().split()
        main = psutil.Process(int(pid))
        processes = [main, *main.children()]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def initialize(self) -> None:
        authentication = "--auth-local=trust", "--auth-host=scram-sha-256"
        self._run("initdb", "-U", USER, "-E", "UTF8", "--no-locale", "-N", *authentication)

    @property
    def _url(self) -> str:
        folder = quote(str(self.folder), safe="")
        return f"postgresql://{USER}@/postgres?host={folder}&port={self.port}"

    def _control(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [_program(program), "-D", self.folder / "data", *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **_owner()
        )
        assert done.returncode == 0, done.stdout.decode()


@contextmanager
def server() -> Iterator[Server]:
    """Runs a server."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if owner := _owner():
        os.chown(folder, owner["user"], owner["group"])
    running = Server(folder, unused_port(), count())
    try:
        running.initialize()
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(folder)


def _owner() -> dict[str, Any]:
    """The user that runs the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _program(name: str) -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (installed[-1] if installed else None)
    assert found, "`make test-postgres` installs PostgreSQL"
    return Path(found)
