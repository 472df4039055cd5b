"""A hub on loopback that speaks what huggingface_hub asks, and fails as a test wants it to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c" * 40
REPO_NAME = "owner/repo"
CDN = "/cdn/"
REFUSED = "http://127.0.0.1:9"  # no server listens on this port
UNRESOLVED = "http://no-such-host.invalid"


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakeHub:
    """The files of one repository, what goes wrong, and the requests so far.

    - `status`: every request is answered with it, and with the header `X-Error-Code: {error_code}`.
    - `breaks_at`: for each download in turn, the connection is closed after so many of its bytes.
    - `stalls_at`: after so many bytes of a download nothing more is sent until `release`.
    - `is_answering`: while it is cleared, requests wait.
    - `has_cdn`: files are redirected to another host, as those of the real hub.
    - `sends`: what is sent in place of a file.
    - `claims`: the size that a file is said to have; `etag`: its ETag.
    """

    files: dict[str, bytes]
    status: int = 200
    error_code: str = ""
    breaks_at: list[int] = field(default_factory=list)
    stalls_at: int | None = None
    sends: bytes | None = None
    claims: int | None = None
    etag: str | None = None
    ignores_range: bool = False
    has_cdn: bool = False
    is_answering: threading.Event = field(default_factory=_set)
    release: threading.Event = field(default_factory=threading.Event)
    downloads: list[tuple[str, int]] = field(default_factory=list)  # file, first byte
    tokens: list[str] = field(default_factory=list)
    cdn_tokens: list[str] = field(default_factory=list)
    address: str = ""

    def environment(self, home: Path) -> dict[str, str]:
        """The variables with which a process uses this hub, and the cache in `home`."""
        return environment(self.address, home)


def environment(address: str, home: Path) -> dict[str, str]:
    """The variables with which a process uses the hub at `address`, and the cache in `home`."""
    return {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN": "",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "no_proxy": "*",
    }


def weights(size: int = 100_000) -> bytes:
    """Contents of a file, of which each byte differs from its neighbours."""
    return b"GGUF" + bytes(i * 7 % 251 for i in range(size - 4))


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[FakeHub]:
    """A hub with a repository `owner/repo` of these files, within the context."""
    fake = FakeHub(files)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, fake)) as server:
        fake.address = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield fake
        finally:
            fake.release.set()
            fake.is_answering.set()
            server.shutdown()
            serving.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, fake: FakeHub, *more: object):
        self.fake = fake
        super().__init__(*more)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        fake, path = self.fake, self.path.partition("?")[0]
        fake.is_answering.wait()
        token = self.headers.get("authorization", "")
        if path.startswith(CDN):
            fake.cdn_tokens.append(token)
            return self._file(path.removeprefix(CDN))
        fake.tokens.append(token)
        of_repo, of_file = f"/api/models/{REPO_NAME}", f"/{REPO_NAME}/resolve/main/"
        if fake.status != 200:
            self._fail(fake.status, fake.error_code)
        elif path == of_repo:
            self._list()
        elif path.startswith(of_file):
            name = path.removeprefix(of_file)
            self._redirect(name) if fake.has_cdn else self._file(name)
        else:
            self._fail(404, "RepoNotFound")
        return None

    def _redirect(self, name: str) -> None:
        """Sends the client to a host of another name, as the hub sends it to its CDN."""
        content = self.fake.files[name]
        address = self.fake.address.replace("127.0.0.1", "localhost")
        self.send_response(302)
        self.send_header("Location", f"{address}{CDN}{name}?signature=1")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _list(self) -> None:
        siblings = [{"rfilename": name} for name in self.fake.files]
        body = json.dumps({"id": REPO_NAME, "sha": COMMIT, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, name: str) -> None:
        if (content := self.fake.files.get(name)) is None:
            return self._fail(404, "EntryNotFound")
        start = 0
        if (asked := self.headers.get("range")) and not self.fake.ignores_range:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        is_head = self.command == "HEAD"
        sent = content if is_head or self.fake.sends is None else self.fake.sends
        claimed = self.fake.claims if is_head and self.fake.claims else len(sent)
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        etag = self.fake.etag or hashlib.sha256(content).hexdigest()
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Content-Length", str(claimed - start))
        self.end_headers()
        if not is_head:
            self.fake.downloads.append((name, start))
            self._send(sent, start)
        return None

    def _send(self, content: bytes, start: int) -> None:
        breaks_at = self.fake.breaks_at.pop(0) if self.fake.breaks_at else None
        end = len(content) if breaks_at is None else breaks_at
        pause = end if self.fake.stalls_at is None else min(self.fake.stalls_at, end)
        self.wfile.write(content[start:pause])
        if pause < end:
            self.fake.release.wait()
            self.wfile.write(content[pause:end])
        self.close_connection = breaks_at is not None

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
