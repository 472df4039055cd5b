"""Downloads a model from the hub into the Hugging Face cache. Runs in a process of its own.

huggingface_hub starts an interrupted file afresh, so the bytes are fetched here, into the file in
which they stay until the next attempt. Everything else is huggingface_hub's: addresses, tokens,
metadata, and the entry of the cache that is made when the contents are complete.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils import (
    WeakFileLock,
    build_hf_headers,
    get_session,
    hf_raise_for_status,
)

from gateway.errors import DownloadFailed, ModelUnusable
from gateway.hub.cache import PARTIAL, lock_path, repository_folder
from gateway.hub.choose import NO_SUCH_FILE, choose, missing_parts
from gateway.hub.file_names import parts
from gateway.hub.reference import Reference
from gateway.hub.sizes import size_text

RETRIES = 3  # in a row, of a connection that breaks off
SHA256_CHARS = 64  # the ETag of a large file is its SHA-256; that of a small one is not
DISK_FULL = "disk_full"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository, with its size in bytes and the ETag of its contents."""

    repo: str
    name: str
    size: int
    etag: str

    @property
    def blob(self) -> Path:
        """Where its contents are in the cache when they are complete."""
        return repository_folder(self.repo) / "blobs" / self.etag

    @property
    def partial(self) -> Path:
        """Where its contents are until then."""
        return self.blob.with_name(f"{self.etag}{PARTIAL}")

    @property
    def done_bytes(self) -> int:
        """How many of its bytes are on disk."""
        if self.blob.exists():
            return self.size
        try:
            return self.partial.stat().st_size
        except OSError:
            return 0


def look_up(reference: Reference) -> list[RemoteFile]:
    """The files of a model, as the hub describes them; raises huggingface_hub's errors."""
    if reference.file:
        try:
            return [_look_up(reference.repo, part) for part in parts(reference.file)]
        except EntryNotFoundError:
            names = _names(reference.repo)
            choose(reference, names)  # raises an error that names the nearest files
            raise
    names = _names(reference.repo)
    first = choose(reference, names)
    if missing := missing_parts(first, names):
        raise ModelUnusable(f"{reference.repo} has no {missing[0]}", code=NO_SUCH_FILE)
    return [_look_up(reference.repo, part) for part in parts(first)]


def check_space(files: list[RemoteFile]) -> None:
    """Raises ModelUnusable if the disk has no room for what is missing of the files."""
    missing = sum(file.size - file.done_bytes for file in files)
    folder = Path(constants.HF_HUB_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ModelUnusable(
            f"no space: {size_text(missing)} are needed, and {folder} has {size_text(free)} left;"
            " delete a model with `tool-gateway rm`, or set HF_HOME to a folder on another disk",
            code=DISK_FULL,
        )


def fetch(file: RemoteFile) -> Path:
    """Downloads what is missing of a file; returns its path in the cache.

    If another process downloads the same contents, this waits for it. Raises DownloadFailed for
    contents that are not what the hub promised, and huggingface_hub's and httpx2's errors.
    """
    lock = lock_path(file.repo, file.etag)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if not file.blob.exists():
            file.blob.parent.mkdir(parents=True, exist_ok=True)
            _complete(file)
            _check(file)
            file.partial.replace(file.blob)
    return Path(hf_hub_download(file.repo, file.name))


def _look_up(repo: str, name: str) -> RemoteFile:
    found = get_hf_file_metadata(hf_hub_url(repo, name), timeout=constants.HF_HUB_ETAG_TIMEOUT)
    if found.size is None or not found.etag or "/" in found.etag:
        raise ModelUnusable(f"{constants.ENDPOINT} is no hub; correct HF_ENDPOINT")
    return RemoteFile(repo, name, found.size, found.etag)


def _names(repo: str) -> list[str]:
    found = HfApi().model_info(repo, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    return [sibling.rfilename for sibling in found.siblings or ()]


def _complete(file: RemoteFile) -> None:
    """Appends what is missing to the partial file, over several connections if need be."""
    if file.done_bytes > file.size:
        file.partial.unlink()
    failures = 0
    with file.partial.open("ab") as partial:
        while (before := file.done_bytes) < file.size:
            try:
                _append(partial, hf_hub_url(file.repo, file.name), before)
            except httpx2.TransportError:
                failures = failures + 1 if file.done_bytes == before else 1
                if failures > RETRIES:
                    raise
                time.sleep(failures)
            else:
                return


def _append(partial: BinaryIO, address: str, start: int) -> None:
    headers = {**build_hf_headers(), "Range": f"bytes={start}-", "Accept-Encoding": "identity"}
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", address, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        if response.status_code == httpx2.codes.OK:  # the server ignores the range
            partial.truncate(0)
        for chunk in response.iter_raw():
            partial.write(chunk)
            partial.flush()


def _check(file: RemoteFile) -> None:
    """Raises DownloadFailed, and deletes the partial file, if its contents are wrong."""
    fault = ""
    if (size := file.partial.stat().st_size) != file.size:
        fault = f"{size:,} bytes arrived instead of {file.size:,}"
    elif len(file.etag) == SHA256_CHARS:
        with file.partial.open("rb") as partial:
            if hashlib.file_digest(partial, "sha256").hexdigest() != file.etag:
                fault = "its SHA-256 is not the one that the hub has"
    if fault:
        file.partial.unlink()
        raise DownloadFailed(f"{file.name} is broken: {fault}; it was deleted, try again")
