"""A `source` resolves to a file, or the error names the reason."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.config.source import locate
from gateway.errors import ModelUnusable
from tests.fakes import REPO

FILE = b"GGUF" + bytes(1000)


def test_a_path_is_relative_to_the_folder_of_models_yaml(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.gguf").touch()
    assert locate("sub/a.gguf", tmp_path) == tmp_path / "sub" / "a.gguf"
    assert locate(str(tmp_path / "sub" / "a.gguf"), Path("/")) == tmp_path / "sub" / "a.gguf"


def test_a_path_may_start_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.gguf").touch()
    assert locate("~/a.gguf", REPO) == tmp_path / "a.gguf"


def test_a_package_file_is_found_without_importing_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holder").mkdir()
    (tmp_path / "holder" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "holder" / "a.gguf").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert locate("package:holder/a.gguf", REPO) == tmp_path / "holder" / "a.gguf"
    with pytest.raises(ModelUnusable, match="no installed package"):
        locate("package:holder/b.gguf", REPO)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such.gguf", r"there is no file .*no/such\.gguf"),
        ("gateway", "there is no file"),
        ("package:no_such_package/a.gguf", "no installed package"),
        ("package:gateway", "no installed package"),
        ("package:", "no installed package"),
        ("package:../x/a.gguf", "no installed package"),
        ("hf:owner/repo", "expected hf:owner/repo/file"),
        ("hf:", "expected hf:owner/repo/file"),
        ("https://example.invalid/a.gguf", "there is no file"),
    ],
)
def test_a_missing_file_is_reported_with_its_source(source: str, message: str) -> None:
    with pytest.raises(ModelUnusable, match=message):
        locate(source, REPO)


class Hub(BaseHTTPRequestHandler):
    """A fake Hugging Face hub with one file."""

    def _answer(self) -> None:
        if self.path == "/owner/repo/resolve/main/sub/a.gguf":
            self.send_response(200)
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("ETag", '"e1"')
            self.send_header("Content-Length", str(len(FILE)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(FILE)
        else:
            found = self.path.startswith("/owner/repo/")
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if found else "RepoNotFound")
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_GET = do_HEAD = _answer

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


ASK = """
import sys
from pathlib import Path
from gateway.errors import ModelUnusable
from gateway.config.source import locate
for source in sys.argv[1:]:
    try:
        before = locate(source, Path(), download=False)
        print(before, locate(source, Path()), locate(source, Path(), download=False), sep="|")
    except ModelUnusable as error:
        print("refused:", str(error).replace(chr(10), " "))
"""


def ask(endpoint: str, home: Path, *sources: str) -> list[str]:
    """Runs `locate` in a subprocess, since the hub's client reads HF_ENDPOINT at import."""
    hub_at = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", ASK, *sources]
    done = subprocess.run(
        command, env={**os.environ, **hub_at}, cwd=REPO, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_hub_file_is_downloaded_once(tmp_path: Path) -> None:
    with hub() as endpoint:
        found, missing, unknown, odd = ask(
            endpoint,
            tmp_path,
            "hf:owner/repo/sub/a.gguf",
            "hf:owner/repo/b.gguf",
            "hf:owner/other/a.gguf",
            "hf:own er/re po/a.gguf",
        )
    before, after, again = found.split("|")
    assert before == "None"
    assert after == again
    assert Path(after).read_bytes() == FILE
    assert missing.startswith("refused: cannot download hf:owner/repo/b.gguf: ")
    assert unknown.startswith("refused: cannot download hf:owner/other/a.gguf: ")
    assert odd.startswith("refused: cannot download hf:own er/re po/a.gguf")
    assert ask("http://127.0.0.1:9", tmp_path, "hf:owner/repo/sub/a.gguf") == [
        f"{after}|{after}|{after}"
    ]
