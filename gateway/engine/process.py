"""The child process: drain the inbox, step, post. `python -m gateway.engine.process`.

Messages come in on standard input and go out on what standard output was at the start; the
process ends when its input does, so it never outlives the gateway.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO

import msgspec

from gateway.engine.archive import Archive
from gateway.engine.disk import Folder
from gateway.engine.llama import Llama, LoadError
from gateway.engine.matcher import Grammars
from gateway.engine.messages import (
    LENGTH,
    Failed,
    FromWorker,
    Keeping,
    Start,
    ToWorker,
    pack,
    unpack_to_worker,
)
from gateway.engine.outbox import Outbox
from gateway.engine.worker import Worker


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the gateway's to handle
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    inbox: SimpleQueue[ToWorker | None] = SimpleQueue()
    # Not sys.stdin: Python aborts at exit if a thread still reads from that.
    Thread(target=_fill, args=(inbox, os.fdopen(os.dup(0), "rb")), daemon=True).start()
    start = inbox.get()
    if not isinstance(start, Start):
        return
    try:
        llama = Llama(start)
        worker = None if start.vocabulary_only else _worker(start, llama)
    except LoadError as error:
        outbox.write(pack([Failed(str(error))]))
        return
    outbox.write(pack([llama.describe()]))
    if worker:
        _serve(worker, inbox, Outbox(outbox))
        worker.close()


def _worker(start: Start, llama: Llama) -> Worker:
    keeping = start.keeping
    folder = None
    if keeping.folder:
        folder = Folder(Path(keeping.folder), stamp(start), keeping.folder_bytes)
    archive = Archive(keeping.memory_bytes, folder, forgets_tails=llama.forgets_tails)
    return Worker(llama, Grammars(llama).matcher, archive)


def stamp(start: Start) -> str:
    """What the data of a prefix depends on: the files, their times, and how they are loaded."""
    settings = msgspec.structs.replace(start, threads=None, keeping=Keeping())
    found = os.stat(start.path)
    build = importlib.metadata.version("llama-cpp-python")
    told = repr((settings, found.st_size, found.st_mtime_ns, build))
    return hashlib.sha256(told.encode()).hexdigest()


def _serve(worker: Worker, inbox: SimpleQueue[ToWorker | None], outbox: Outbox) -> None:
    while True:
        posts: list[FromWorker] = []
        for message in _arrived(inbox, wait=worker.is_idle):
            if message is None:
                return
            posts += worker.take(message)
        if not worker.is_idle:
            posts += worker.step()
        outbox.post(posts)


def _arrived(inbox: SimpleQueue[ToWorker | None], *, wait: bool) -> Iterator[ToWorker | None]:
    if wait:
        yield inbox.get()
    while True:
        try:
            yield inbox.get_nowait()
        except Empty:
            return


def _fill(inbox: SimpleQueue[ToWorker | None], pipe: BinaryIO) -> None:
    try:
        while head := pipe.read(LENGTH.size):
            for message in unpack_to_worker(pipe.read(*LENGTH.unpack(head))):
                inbox.put(message)
    finally:
        inbox.put(None)


if __name__ == "__main__":
    main()
