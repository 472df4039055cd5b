"""The gateway as a wheel, installed into an environment that does not see this checkout.

Its dependencies are those of the environment that runs the tests, so nothing is fetched or
compiled. `make test-wheel` installs them too, for another Python, and sets TOOL_GATEWAY_INSTALLED
to its environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import REPO, running, unused_port

INSTALLED = os.environ.get("TOOL_GATEWAY_INSTALLED")
LLAMA_CPP = ("LLAMA_CPP_LIB_PATH", "LD_LIBRARY_PATH")  # where llama.cpp's libraries are


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the gateway, and an empty folder in which its commands run."""

    environment: Path
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a command: nothing of this checkout, and no network."""
        own = {"HOME": str(self.folder / "home"), "PATH": "/usr/bin:/bin"}
        kept = {name: os.environ[name] for name in LLAMA_CPP if name in os.environ}
        return {**kept, **own, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}

    def python(self, code: str) -> str:
        return self._run("python", "-P", "-c", code).strip()

    def run(self, *arguments: str) -> str:
        """What a command of tool-gateway prints; asserts that it succeeds."""
        return self._run("tool-gateway", *arguments)

    @contextmanager
    def serve(self, *arguments: str) -> Iterator[tuple[str, Path]]:
        """The URL of `tool-gateway serve`, and its log."""
        port, log = unused_port(), self.folder / "log"
        command = [str(self.environment / "bin" / "tool-gateway"), "serve", *arguments]
        where = {"cwd": self.folder, "env": self.settings}
        with running([*command, "--port", str(port)], port, log, **where):
            yield f"http://127.0.0.1:{port}", log

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self.environment / "bin" / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def build(target: str, source: Path, folder: Path) -> Path:
    """Builds the `wheel` or the `sdist` of the project in `source` into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", REPO, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    if INSTALLED:
        return Path(INSTALLED).absolute()
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    # A folder of a .pth file is searched, but its own .pth files, one of which has the path of this
    # checkout, are not read.
    [site] = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return environment


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)
